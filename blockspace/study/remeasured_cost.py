"""The cost of a network that was measured anew after it was chosen: its file in the run directory, and its interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt

import numpy
from scipy.special import stdtrit

from blockspace.files import read_json, write_atomic
from blockspace.records import RunDir
from blockspace.reporting import Answer, CostRatio

FORMAT = "blockspace/latency/1"


def write_remeasured(run: RunDir, name: str, key: str, cost: str, ratios: Sequence[float]) -> None:
    """Write the measurements of a finalist, whose canonical key is given, as ratios to the baseline's. Raises StorageError."""
    content = {"format": FORMAT, "key": key, "cost": cost, "ratios": list(ratios)}
    write_atomic(run.remeasured(name), json.dumps(content, indent=1) + "\n")


def add_remeasured(run: RunDir, answer: Answer, keys: Mapping[str, str]) -> Answer:
    """Return the answer with the measurements of its chosen network that the run directory has; `keys` are canonical, by finalist."""
    found = answer.cheaper
    if found is None or not found.chosen:
        return answer
    try:
        content = read_json(run.remeasured(found.chosen))
        if (content["format"], content["key"], content["cost"]) != (FORMAT, keys[found.chosen], found.cost):
            return answer
        return replace(answer, cheaper=replace(found, remeasured=summarize_ratios(content["ratios"], found.level)))
    except (OSError, ValueError, KeyError, TypeError):  # none, or damaged: the study measures again
        return answer


def summarize_ratios(ratios: Sequence[float], level: float = 0.95) -> CostRatio:
    """Return the geometric mean of independent measurements with its interval, of Student's t for the logarithms.

    Raises ValueError for fewer than two, or for one that is not above 0.
    """
    if len(ratios) < 2 or min(ratios) <= 0:
        raise ValueError(f"two or more ratios above 0 are needed, got {list(ratios)}")
    logs = numpy.log(numpy.asarray(ratios, dtype=float))
    half = float(stdtrit(len(logs) - 1, (1 + level) / 2)) * float(logs.std(ddof=1)) / sqrt(len(logs))
    middle, low, high = (float(numpy.exp(logs.mean() + shift)) for shift in (0.0, -half, half))
    return CostRatio(middle, low, high, len(logs))
