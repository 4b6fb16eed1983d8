"""The rows of a study: results.csv, the front of those that no other dominates, and the best of each family."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blockspace.searching import Row

Objectives = dict[str, str]  # metric or cost -> maximize or minimize


def front(rows: list[Row], objectives: Objectives) -> list[Row]:
    """The trained rows that no other dominates, by number: none is at least as good in every objective and better in one.

    Sorted from the best on, a row can only be dominated by one before it, and then by one that is itself in the front.
    """
    found: list[Row] = []
    for row in sorted((r for r in rows if r.best_allowed), key=lambda r: gains(r, objectives), reverse=True):
        if not any(dominates(other, row, objectives) for other in found):
            found.append(row)
    return sorted(found, key=lambda r: r.number)


def dominates(first: Row, second: Row, objectives: Objectives) -> bool:
    """At least as good in every objective, and better in one."""
    pairs = list(zip(gains(first, objectives), gains(second, objectives)))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def gains(row: Row, objectives: Objectives) -> list[float]:
    """The row's values, the larger the better."""
    return [row.values[name] if direction == "maximize" else -row.values[name] for name, direction in objectives.items()]


def best(rows: list[Row], objectives: Objectives, per: str | None, families: list[str], take: int) -> list[Row]:
    """The best `take` trained rows by the first objective: of each of the hole `per`'s choices, in their order, or of all."""
    first = dict([next(iter(objectives.items()))])
    allowed = sorted((r for r in rows if r.best_allowed), key=lambda r: (-gains(r, first)[0], r.number))
    groups = [[r for r in allowed if r.choice(per) == family] for family in families] if per else [allowed]
    return [r for group in groups for r in group[:take]]


def family_name(choice: str, per: str) -> str:
    """What a choice of the hole `per` is called: a word by itself (`hs`), anything else with the hole's name (`splits 5`)."""
    return choice if is_word(choice) else f"{per.rpartition('.')[2]} {choice}"


def is_word(choice: str) -> bool:
    """Whether a choice is a name, as `hs`, rather than a number or true or false."""
    return re.fullmatch(r"-?\d+([./]\d+)?|True|False", choice) is None


def family_of(row: Row, per: str | None, otherwise: str) -> str:
    """The name of the family a row is of; `otherwise` where the study has none, or the row was never expanded."""
    choice = row.choice(per)
    return otherwise if choice is None or per is None else family_name(choice, per)


def against_first(choices: Iterable[str]) -> bool:
    """Whether each family is compared with the first only: of numbers that is the reference, words are all compared with each other."""
    return not any(map(is_word, choices))


def flat(row: Row, per: str | None) -> dict[str, Any]:
    """One row for results.csv; `per` is the hole whose choices are the families."""
    return {
        "number": row.number,
        "state": row.status,
        "family": family_of(row, per, ""),
        **({"nearest": row.nearest["seed"], "changed": row.nearest["changed"]} if row.nearest else {}),
        "label": row.label,
        "key": row.key,
        **row.costs,
        "latency": row.measured.get("latency"),
        "val_acc": row.metrics.get("val_acc", row.values.get("val_acc")),
        "val_loss": row.metrics.get("val_loss"),
        "seconds": round(row.seconds, 3),
        "seed": row.seed,
        "reason": row.reason,
        "duplicate_of": row.duplicate_of,
        "comparable": "yes" if row.comparable else "no",
        "reused": row.reused,
        "choices": row.params | row.solved,
    }


def write_results(folder: Path, rows: list[Row], per: str | None) -> None:
    from blockspace.reporting import write_results as write

    write(folder / "results.csv", [flat(r, per) for r in rows])
