"""An answer as text: for people (`answer.txt`), and for programs and back (`answer.json`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from blockspace.files import parse_json
from blockspace.formatting import TableStyle, format_cell, format_mean, format_table
from blockspace.records import BASELINE, ComputeTotals
from blockspace.reporting.answer import Answer, Missing, NetworkScore
from blockspace.reporting.bootstrap import Interval
from blockspace.reporting.cheaper import BoundedNetwork, CheaperAnswer, CostRatio
from blockspace.reporting.difference import FamilyDifference

FORMAT, FIRST_FORMAT = "blockspace/answer/2", "blockspace/answer/1"  # the first one held one search
HEADERS = {"latency": "latency x"}  # a ratio to the baseline


def answer_table(answer: Answer, style: TableStyle = "plain") -> str:
    """Return one line per network and one per difference.

    Accuracies in %, log-losses in nats, each with its standard deviation over seeds.
    """
    costs = list(dict.fromkeys(name for row in answer.rows for name in row.costs))
    header = ["family", "network", *(HEADERS.get(name, name) for name in costs), "accuracy %", "log-loss", "seeds"]
    networks = format_table(header, [table_row(row, costs) for row in answer.rows], style=style)
    parts = [answer.sentences(), answer.remarks(), [one.sentence() for one in answer.missing]]
    groups = [[(sentence if style == "plain" else f"- {sentence}") + "." for sentence in part] for part in parts if part]
    return "\n".join([networks, *(line for group in groups for line in ("", *group))])


def table_row(row: NetworkScore, costs: Sequence[str]) -> list[str]:
    """Return one network's cells."""
    known: Mapping[str, float | None] = {name: row.costs.get(name) for name in costs}
    spread = None if row.accuracy_sd is None else row.accuracy_sd * 100
    accuracy, log_loss = format_mean(row.accuracy * 100, spread, 2), format_mean(row.log_loss, row.log_loss_sd, 4)
    return [row.family, row.name, *(format_cell(value) for value in known.values()), accuracy, log_loss, str(row.seeds)]


def answer_json(answer: Answer, compute: ComputeTotals | None = None) -> str:
    """Return the rows and differences with every field, and each difference's sentence. Accuracies in 0..1, log-losses in nats.

    `missing`, `cheaper` and `shared` are there only where something is, `compute` where it is given.
    """
    content = {"format": FORMAT, "sentences": answer.sentences(), "remarks": answer.remarks(), **asdict(answer)}
    for name in ("missing", "cheaper", "shared"):
        if not content[name]:
            del content[name]
    if compute is not None:
        content["compute"] = asdict(compute)
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def read_answer(text: str) -> Answer:
    """Return the answer that `answer_json` wrote, of this format or the first. Raises ValueError for anything else."""
    try:
        content = parse_json(text)
        if content["format"] not in (FORMAT, FIRST_FORMAT):
            raise ValueError(f"format {content['format']!r}, expected {FORMAT!r}")
        rows = tuple(NetworkScore(**row) for row in content["rows"])
        if content["format"] == FIRST_FORMAT:
            content = _complete_first_format(content, rows)
        kinds = (tuple(map(_read_difference, content[name])) for name in ("differences", "against_baseline", "gains"))
        differences, against, gains = kinds
        missing = tuple(Missing(**one) for one in content.get("missing", ()))
        repeats, level, look, is_sequential = (content[name] for name in ("repeats", "level", "look", "is_sequential"))
        told = (repeats, level, look, is_sequential, tuple(content["open_repeats"]))
        cheaper = _read_cheaper(content["cheaper"]) if content.get("cheaper") else None
        shared = tuple((str(one), str(other), int(count)) for one, other, count in content.get("shared", ()))
        return Answer(rows, differences, against, content["images"], missing, gains, *told, cheaper=cheaper, shared=shared)
    except (KeyError, TypeError, AttributeError) as reason:
        raise ValueError(f"not an answer: {reason!r}") from reason


def _complete_first_format(content: dict[str, Any], rows: Sequence[NetworkScore]) -> dict[str, Any]:
    """Return an answer of the first format with what it left unsaid: one search, whose networks are the rows."""
    networks = Counter(row.family for row in rows)

    def complete(difference: dict[str, Any], kind: str) -> dict[str, Any]:
        counts = (networks[difference["first"]], networks[difference["second"]] if kind == "families" else 1)
        return {**difference, "kind": kind, "networks": counts}

    parts = {"differences": "families", "against_baseline": "baseline"}
    told = {name: [complete(one, kind) for one in content[name]] for name, kind in parts.items()}
    families = {name: 1 for name in networks if name != BASELINE}
    return {"gains": [], "repeats": families, "level": 0.95, "look": 1, "is_sequential": False, "open_repeats": [], **content, **told}


def _read_difference(content: dict[str, Any]) -> FamilyDifference:
    intervals = ("accuracy", "log_loss", "equality", "over_searches")
    read = {name: Interval(**content[name]) for name in intervals if content.get(name) is not None}
    pairs = {name: tuple(content[name]) for name in ("networks", "searches", "searches_needed") if content.get(name) is not None}
    return FamilyDifference(**(content | read | pairs))


def _read_cheaper(content: dict[str, Any]) -> CheaperAnswer:
    networks = tuple(BoundedNetwork(**one) for one in content["networks"])
    remeasured = CostRatio(**content["remeasured"]) if content["remeasured"] else None
    return CheaperAnswer(**(content | {"networks": networks, "remeasured": remeasured}))
