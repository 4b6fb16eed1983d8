"""The finalists from which a study answers how much cheaper a network can be without being worse: chosen along the axis of the cost.

Read from the run directory alone, so that a report of it knows the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

from blockspace.data import kept_preflight
from blockspace.errors import StorageError
from blockspace.executors import read_result
from blockspace.records import RunDir, TrialRecord
from blockspace.reporting import FinalistReport
from blockspace.study.study_file import Study

COUNT = 4  # networks that become finalists for their cost, beside the best
QUANTILE = 1.645  # of the normal law, 95 % one-sided


def choose_cheaper_networks(
    run: RunDir, study: Study, records: Sequence[TrialRecord], best: Sequence[TrialRecord], baseline: Mapping[str, float], key: str
) -> list[TrialRecord]:
    """Return the trials that become finalists for their cost, cheapest first; `best` are finalists already.

    They are cheaper than the baseline, whose costs and canonical `key` are given, and in validation not clearly worse than it by more than
    the margin. None where the study does not ask, and before the baseline was trained as in the search.
    """
    cost, images = study.comparison.cheaper, count_validation_images(run)
    reference = read_baseline_accuracy(run, records, key)
    if cost is None or reference is None or not images or not baseline.get(cost):
        return []
    known: dict[str, TrialRecord] = {}  # the first trial of each network, by key
    for record in (*best, *records):
        if record.is_feasible and "val_acc" in record.metrics and cost in record.quantities:
            known.setdefault(record.key, record)
    taken = {record.key for record in best}
    margin = study.comparison.margin_share
    rivals = [
        record
        for record in known.values()
        if record.key in taken
        or record.quantities[cost] < baseline[cost]
        and not is_clearly_below(record.metrics["val_acc"], reference, margin, images)
    ]
    return take_along_cost(rivals, cost, taken)


def choose_cheaper_finalists(
    run: RunDir, study: Study, finals: Sequence[FinalistReport], records: Sequence[TrialRecord], best: Sequence[TrialRecord]
) -> list[TrialRecord]:
    """Return what `choose_cheaper_networks` does, by the finalists that a report has; none before the baseline is among them."""
    baseline = next((final for final in finals if final.number is None), None)
    return choose_cheaper_networks(run, study, records, best, baseline.costs, baseline.key) if baseline else []


def insert_cheaper(finals: Sequence[FinalistReport], cheap: Sequence[FinalistReport]) -> tuple[FinalistReport, ...]:
    """Return the finalists with those that are taken for their cost, before the baseline."""
    place = next((place for place, final in enumerate(finals) if final.number is None), len(finals))
    return (*finals[:place], *(replace(final, role="cheap") for final in cheap), *finals[place:])


def is_clearly_below(accuracy: float, reference: float, margin: float, images: int) -> bool:
    """Return whether a validation accuracy is below another one less the margin by more than the images' own noise.

    Both are shares of the same number of images. The bound is the one-sided 95 % one of a difference of proportions, with one success and
    one failure added to each (Agresti and Caffo 2000); the two are taken as independent, which is on the safe side where their images are
    the same.
    """
    first, second = ((share * images + 1) / (images + 2) for share in (accuracy, reference))
    spread = sqrt((first * (1 - first) + second * (1 - second)) / (images + 2))
    return first - second + QUANTILE * spread < -margin


def take_along_cost(records: Sequence[TrialRecord], cost: str, taken: set[str], count: int = COUNT) -> list[TrialRecord]:
    """Return `count` of these networks, as far as there are, cheapest first: those that no other beats in both cost and accuracy.

    Of more than `count` the cheapest, the best and what lies evenly between; of fewer, those are added that only the chosen ones beat, and
    so on. Networks whose key is `taken` can beat others and are not returned.
    """
    left, found = list(records), list[TrialRecord]()
    while left and len(found) < count:
        front = list_undominated(left, cost)
        numbers = {record.number for record in front}
        left = [record for record in left if record.number not in numbers]
        found += spread_evenly([record for record in front if record.key not in taken], count - len(found))
    return sorted(found, key=lambda record: (record.quantities[cost], record.number))


def list_undominated(records: Sequence[TrialRecord], cost: str) -> list[TrialRecord]:
    """Return the networks that have more validation accuracy than every one that costs no more, by cost."""
    front: list[TrialRecord] = []
    for record in sorted(records, key=lambda record: (record.quantities[cost], -record.metrics["val_acc"], record.number)):
        if not front or record.metrics["val_acc"] > front[-1].metrics["val_acc"]:
            front.append(record)
    return front


def spread_evenly(records: list[TrialRecord], count: int) -> list[TrialRecord]:
    """Return `count` records at even distances in the list, its ends among them; of one, the first; all where there are not more."""
    if len(records) <= count:
        return records
    return [records[round(place * (len(records) - 1) / max(1, count - 1))] for place in range(count)]


def read_baseline_accuracy(run: RunDir, records: Sequence[TrialRecord], key: str) -> float | None:
    """Return the baseline's validation accuracy after one training as in the first search: a trial's that is the same network, or its own.

    None where it has none.
    """
    for record in records:
        if record.key == key and record.repeat == 0 and record.state.is_trained and record.comparable and "val_acc" in record.metrics:
            return record.metrics["val_acc"]
    try:
        result = read_result(run.baseline_trial.path)
    except StorageError:
        return None
    return result.metrics.get("val_acc") if result is not None and result.trained and result.key == key else None


def count_validation_images(run: RunDir) -> int:
    """Return the number of validation images that the run directory records; 0 where it has none."""
    preflight = kept_preflight(run)
    return preflight.counts["val"] if preflight else 0
