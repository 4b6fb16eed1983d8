"""Collect what the sections of the page show, as data for their templates: answer, families, finalists, trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from statistics import median
from typing import Any

from markupsafe import Markup

from blockspace.costs import cost
from blockspace.formatting import format_mean
from blockspace.graph import Graph
from blockspace.ops import format_shape
from blockspace.quantities import Quantity, find_quantity
from blockspace.records import TrialRecord, TrialState
from blockspace.reporting.answer import NetworkScore
from blockspace.reporting.cheaper import CheaperAnswer
from blockspace.reporting.checklist import TITLES, count_findings, fill_checklist
from blockspace.reporting.html.charts import draw_curves
from blockspace.reporting.html.markup import reveal_unseen, tag
from blockspace.reporting.study_report import DEFAULT_METRIC, REPORTED_STATES, FinalistReport, FinalistTraining, StudyReport

TRIAL_COLUMNS = ("val_acc", "val_loss", "latency", "macs", "params")
HEATS = 10  # shades of a node's share of the costs


def summarize_answer(run: StudyReport) -> dict[str, Any]:
    """Return the data of `answer.html`: the sentences, whether they are final, and a row for each network of the finals."""
    found = run.answer
    if found is None:
        lists: dict[str, Any] = {name: [] for name in ("sentences", "costs", "rows", "missing", "remarks")}
        return {**lists, "images": 0, "whole": False, "bounds": None}
    done, asked = run.trainings
    costs = list(dict.fromkeys(name for row in found.rows for name in row.costs))
    finals = {one.name: one for one in run.finals}
    return {
        "sentences": [
            *([(found.cheaper.sentence() + ".", bool(found.cheaper.chosen))] if found.cheaper else []),
            *((one.sentence() + ".", one.is_sure) for one in found.statements),
        ],
        "remarks": [remark + "." for remark in found.remarks()],
        "units": {one.unit for one in found.statements},
        "costs": [find_quantity(name) for name in costs],
        "rows": [_describe_answer_row(row, costs, finals.get(row.name), run) for row in found.rows],
        "images": found.images,
        "bounds": describe_bounds(found.cheaper, finals) if found.cheaper else None,
        "missing": [one.sentence() + "." for one in found.missing],
        "whole": done == asked if run.searches.repeats == 1 else run.searches.still_open is None and run.state != "running",
    }


def describe_bounds(found: CheaperAnswer, finals: Mapping[str, FinalistReport]) -> dict[str, Any]:
    """Return the data of the table of bounds: each finalist beside the baseline, the cheapest first, in points of accuracy."""
    rows = [
        {
            "title": finals[one.name].title if one.name in finals else one.name,
            "anchor": name_anchor(finals[one.name]) if one.name in finals else "",
            "ratio": f"{one.ratio:.3f}",
            "difference": f"{one.difference * 100:+.2f}",
            "bound": f"{one.bound * 100:+.2f}",
            "chosen": one.name == found.chosen,
        }
        for one in found.networks
    ]
    return {"rows": rows, "cost": found.cost, "margin": f"{found.margin * 100:g}", "level": f"{found.level * 100:g} %"}


def _describe_answer_row(row: NetworkScore, costs: list[str], final: FinalistReport | None, run: StudyReport) -> dict[str, Any]:
    """Return the row of one network: costs, mean and standard deviation over seeds, and the accuracy of each seed in percent."""
    spread = None if row.accuracy_sd is None else row.accuracy_sd * 100
    return {
        "family": row.family,
        "place": run.families.index(row.family) if row.family in run.families else None,
        "title": final.title if final else row.name,
        "anchor": name_anchor(final) if final else "",
        "costs": [find_quantity(name).format(row.costs.get(name)) for name in costs],
        "accuracy": format_mean(row.accuracy * 100, spread, 2),
        "log_loss": format_mean(row.log_loss, row.log_loss_sd, 4),
        "seeds": row.seeds,
        "each": ", ".join(f"{t.metrics['test_acc'] * 100:.2f}" for t in final.trainings if "test_acc" in t.metrics) if final else "",
    }


def name_anchor(final: FinalistReport) -> str:
    """Return the id of a finalist's article in the page: `f17`, or by its name, as `f-baseline`."""
    return f"f-{final.name}" if final.number is None else f"f{final.number}"


def summarize_families(run: StudyReport, metric: str) -> list[dict[str, Any]]:
    """Return a row for each family: counts by state, median and best of `metric` among the trials within the budgets."""
    lines = []
    for place, family in enumerate(run.families):
        own = [t for t in run.trials if run.family_of[t.number] == family]
        counts = Counter(t.state.merged for t in own)
        values = [t.quantities[metric] for t in own if t.is_feasible and metric in t.quantities]
        best = (max if run.direction(metric) == "maximize" else min)(values, default=None)
        text = find_quantity(metric).format
        shown = {"median": text(median(values)) if values else "-", "best": text(best)}
        lines.append({"family": family, "place": place, "proposed": len(own), "counts": [counts[s] for s in REPORTED_STATES], **shown})
    return lines


def describe_finalists(run: StudyReport, drawings: int, nodes: int) -> list[dict[str, Any]]:
    """Return the data of each finalist; the first `drawings` have a drawing and a table of at most `nodes` nodes."""
    return [_describe_finalist(final, run, place < drawings, nodes) for place, final in enumerate(run.finals)]


def _describe_finalist(final: FinalistReport, run: StudyReport, drawn: bool, nodes: int) -> dict[str, Any]:
    """Return the data of one finalist: costs, drawing, curves, nodes and trainings."""
    graph = final.graph if drawn else None
    written = (graph.written or graph) if graph else None
    rows = _tabulate_nodes(graph) if graph else []
    place = run.families.index(final.family) if final.family in run.families else None
    return {
        "final": final,
        "anchor": name_anchor(final),
        "place": place,
        "costs": [find_quantity(name).format_with_unit(value) for name, value in final.costs.items()],
        "drawing": draw_network(written) if written else Markup(""),
        "canonical": draw_network(graph) if graph and written is not graph else Markup(""),
        "curves": draw_curves(final, place),
        "nodes": rows[:nodes],
        "left_out": len(rows[nodes:]),
        "trainings": [_describe_training(t) for t in final.trainings],
    }


def _tabulate_nodes(graph: Graph) -> list[dict[str, Any]]:
    """Return a row for each node: output shape (C, H, W), params, macs (at batch 1), and its share of all macs as a shade from 0 to 9."""
    found = cost(graph)
    total = found.macs or 1
    rows = []
    for node in graph:
        own = found.per_node[node.name]
        share = own.macs / total
        shade = min(HEATS - 1, int(share * 5 * HEATS))  # a fifth of all macs is the darkest
        rows.append(
            {"name": node.name, "kind": node.kind, "what": node.op.label(), "shape": format_shape(node.shape)}
            | {"params": own.params, "macs": own.macs, "share": f"{share:.1%}" if own.macs else "", "shade": shade}
        )
    return rows


def _describe_training(training: FinalistTraining) -> dict[str, Any]:
    """Return the row of one training: seed, state, epochs, its last metrics, and its duration in seconds."""
    last = training.epochs[-1] if training.epochs else {}
    names = ("train_loss", "val_acc", "val_loss")
    ended = [find_quantity(name).format(last.get(name)) for name in names]
    tested = [find_quantity(name).format(training.metrics.get(name)) for name in ("test_acc", "test_loss")]
    seconds = sum(e.get("seconds") or 0 for e in training.epochs)
    time = f"{seconds:.1f}" if seconds else "-"
    cells = [*ended, *tested, time]
    return {"name": training.name, "seed": training.seed, "state": training.state_label, "epochs": len(training.epochs), "cells": cells}


def tabulate_trials(run: StudyReport, most: int) -> dict[str, Any]:
    """Return columns and rows of the table of trials; of more than `most` trials the least important are left out."""
    known = {name for t in run.trials for name in t.quantities}
    columns = [find_quantity(name) for name in dict.fromkeys((*TRIAL_COLUMNS, *run.objectives)) if name in known]
    kept = sorted(sorted(run.trials, key=lambda t: _rank_trial(t, run))[:most], key=lambda t: t.number)
    finals = {one.number for one in run.finals}
    return {
        "columns": columns,
        "rows": [_describe_trial(t, columns, finals, run) for t in kept],
        "left_out": len(run.trials) - len(kept),
        "states": sorted({t.state.value for t in run.trials}),
        "several": any(t.repeat for t in run.trials),
    }


def _rank_trial(trial: TrialRecord, run: StudyReport) -> tuple[bool, bool, bool, float, int]:
    """Return the sort key of a trial: finalists and the front first, then trained trials, the best first, then the rest."""
    final = trial.number in {one.number for one in run.finals}
    metric, direction = next(iter(run.objectives.items()), (DEFAULT_METRIC, "maximize"))
    value = trial.quantities.get(metric, 0.0) * (-1 if direction == "maximize" else 1)
    return (not final, trial.number not in run.front, not trial.state.is_trained, value, trial.number)


def _describe_trial(trial: TrialRecord, columns: list[Quantity], finals: Collection[int | None], run: StudyReport) -> dict[str, Any]:
    """Return the row of one trial: family, choices and quantities, or why it has none."""
    family = run.family_of[trial.number]
    why = trial.explanation or (f"same network as #{trial.duplicate_of}" if trial.duplicate_of is not None else "")
    return {
        "number": trial.number,
        "repeat": trial.repeat,
        "state": trial.state,
        "words": "unfinished" if trial.state is TrialState.RUNNING and run.state != "running" else trial.state.label,
        "family": family,
        "place": run.families.index(family) if family in run.families else None,
        "label": trial.label,
        "choices": ", ".join(f"{name}={value}" for name, value in trial.choices.items()),
        "cells": [column.format_exact(trial.quantities.get(column.name)) for column in columns],
        "seconds": f"{trial.seconds:.1f}" if trial.seconds else "",
        "why": why,
        "final": trial.number in finals,
        "front": trial.number in run.front,
    }


def summarize_checklist(run: StudyReport) -> dict[str, Any]:
    """Return the data of `checklist.html`: how many items are met, and the rows of each checklist under its title."""
    rows = fill_checklist(run)
    sources = dict.fromkeys(row.source for row in rows)
    return {"counts": count_findings(rows), "groups": [(TITLES[one], [row for row in rows if row.source == one]) for one in sources]}


def draw_network(graph: Graph) -> Markup:
    """Return the drawing of a network without its style sheet, which the page has once: equal blocks folded, the share of macs as heat."""
    svg = Markup(reveal_unseen(graph.svg(styled=False)))  # names in it are escaped
    return tag("div", svg, class_="drawing")
