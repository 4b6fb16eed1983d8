"""The best trials of a study: its Pareto front, and the best of each family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from blockspace.records.trial import TrialRecord, is_word

Objectives: TypeAlias = dict[str, str]
"""A metric, measurement or cost, and `maximize` or `minimize`."""


def pareto_front(records: Iterable[TrialRecord], objectives: Objectives) -> list[TrialRecord]:
    """Return the feasible trials that no other dominates, by number.

    Sorted from the best on, a trial can only be dominated by one before it, and then by one that is itself in the front.
    """
    front: list[TrialRecord] = []
    for record in sorted((r for r in records if r.is_feasible), key=lambda r: gains(r, objectives), reverse=True):
        if not any(dominates(other, record, objectives) for other in front):
            front.append(record)
    return sorted(front, key=lambda r: r.number)


def dominates(first: TrialRecord, second: TrialRecord, objectives: Objectives) -> bool:
    """Return whether `first` is at least as good in every objective, and better in one."""
    pairs = list(zip(gains(first, objectives), gains(second, objectives)))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def gains(record: TrialRecord, objectives: Objectives) -> list[float]:
    """Return the trial's values, turned so that larger is better."""
    return [record.values[name] if direction == "maximize" else -record.values[name] for name, direction in objectives.items()]


def select_best(
    records: Iterable[TrialRecord], objectives: Objectives, per: str | None, choices: Sequence[str], take: int
) -> list[TrialRecord]:
    """Return the `take` best feasible trials by the first objective: of each of `choices` of `per`, in their order, or of all."""
    first = dict([next(iter(objectives.items()))])
    ranked = sorted((r for r in records if r.is_feasible), key=lambda r: (-gains(r, first)[0], r.number))
    groups = [[r for r in ranked if r.choice(per) == choice] for choice in choices] if per else [ranked]
    return [record for group in groups for record in group[:take]]


def select_best_of_repeats(
    records: Sequence[TrialRecord], objectives: Objectives, per: str | None, choices: Sequence[str], take: int
) -> list[TrialRecord]:
    """Return what `select_best` returns of each of a study's searches alone, one search after the other."""
    repeats = sorted({record.repeat for record in records})
    groups = ([record for record in records if record.repeat == repeat] for repeat in repeats)
    return [record for group in groups for record in select_best(group, objectives, per, choices, take)]


def first_is_reference(choices: Iterable[str]) -> bool:
    """Return whether each family is compared with the first only: numbers are, words are all compared with each other."""
    return not any(map(is_word, choices))
