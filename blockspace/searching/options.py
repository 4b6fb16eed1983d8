"""The `search:` section of a study file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from blockspace.costs import COSTS
from blockspace.options import AS_COUNT, AS_SHARE, AS_TIME, Options
from blockspace.searching.samplers import SAMPLERS
from blockspace.units import NETWORK_NUMBER, parse_measure, split_measure, to_int_or_float

if TYPE_CHECKING:
    SamplerName = str
else:  # mypy knows no Literal that is computed
    SamplerName = Literal[tuple(SAMPLERS)]


def read_hole_values(values: Any) -> Any:
    """Return values of holes, given as texts with the units of networks (`8k`, `50%`), as numbers; a cost's share stays as written."""
    if not isinstance(values, dict):
        return {} if values is None else values
    return {key: value if key in COSTS and str(value).endswith("%") else read_hole_value(value) for key, value in values.items()}


def read_hole_value(value: Any) -> Any:
    """Return one value: a number where a network's file would read the text as one, a list of numbers as `[2, 1]`, else the value."""
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        return f"[{', '.join(map(str, value))}]"
    parts = split_measure(value) if isinstance(value, str) else None
    if not parts or not parts[1] or parts[1] not in NETWORK_NUMBER.units:
        return value
    number = parse_measure(value, NETWORK_NUMBER)
    return value if number is None else to_int_or_float(number)


HoleValues = Annotated[dict[str, str | int | float | bool], BeforeValidator(read_hole_values)]


class FailureLimits(Options):
    """Limits at which failing trials stop the study: the first ones with one cause, or too large a share once there are enough."""

    first: Annotated[int, Field(ge=1, description="this many trials at the start with the same cause"), AS_COUNT] = 3
    share: Annotated[float, Field(gt=0, le=1, description="or more than this share of the trainings"), AS_SHARE] = 0.5
    after: Annotated[int, Field(ge=1, description="once there were this many"), AS_COUNT] = 10


class SearchOptions(Options):
    """Options of the search: sampler, number of trials, workers, limits."""

    sampler: Annotated[SamplerName, Field(description="Optuna's sampler")] = "tpe"
    trials: Annotated[
        int, Field(ge=1, le=1_000_000, description="trained distinct networks, a total also after a resume"), AS_COUNT
    ] = 24
    workers: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1, le=1024)], Field(description="processes; auto: one per core"), AS_COUNT
    ] = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**32, description="of the sampler and of every training"), AS_COUNT] = 0
    per_choice: Annotated[dict[str, Literal["equal"]], Field(description="choices that get equal numbers of trained trials")] = {}
    timeout: Annotated[float | None, Field(gt=0, description="time one training may take, in seconds without a unit"), AS_TIME] = None
    stall_s: Annotated[
        float | None, Field(gt=0, description="time one training may stand still between two steps, in seconds without a unit"), AS_TIME
    ] = 120.0
    proposals: Annotated[
        int, Field(ge=1, description="proposals per trial at most, duplicates and refused ones included"), AS_COUNT
    ] = 50
    seeds: Annotated[
        list[HoleValues] | dict[str, HoleValues],
        Field(description="networks to try first, by name or listed: holes and their choices, the others at their defaults"),
    ] = []
    failures: Annotated[FailureLimits, Field(description="when failing trials stop the study")] = FailureLimits()

    def worker_count(self) -> int:
        """Return the number of worker processes: `workers`, or one per core this process may use."""
        return count_available_cores() if self.workers == "auto" else self.workers


def count_available_cores() -> int:
    """Return how many cores this process may use: its affinity, lowered by a container's CPU quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or `max`
        return cores
