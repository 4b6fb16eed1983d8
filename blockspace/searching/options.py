"""The `search:` section of a study file."""

from __future__ import annotations

import os
import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from blockspace.costs import COSTS
from blockspace.options import AS_COUNT, AS_SHARE, AS_TIME, Options, refuse
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


MOST_REPEATS = 1000
FIRST_LOOK = 3  # repeats: of fewer, nothing is said of families
UP_TO = re.compile(r"up to (\d+)")


def check_repeats(value: Any) -> Any:
    """Return a number of repeats, or the text `up to N` with single spaces. Raises a refusal (E-TYPE) for anything else."""
    text = " ".join(value.split()) if isinstance(value, str) else value
    found = UP_TO.fullmatch(text) if isinstance(text, str) else None
    least, count = (FIRST_LOOK, int(found[1])) if found else (1, value if type(value) is int else 0)
    if not least <= count <= MOST_REPEATS:
        message = f"a count from 1 to {MOST_REPEATS}, or `up to N` with N from {FIRST_LOOK}, got {value!r}"
        raise refuse("E-TYPE", message, "write repeats: 5, or repeats: up to 12, which ends as soon as every sentence is decided")
    return text


Repeats = Annotated[
    Annotated[int, Field(ge=1, le=MOST_REPEATS)] | Annotated[str, Field(pattern=r"^up to +\d+$")], BeforeValidator(check_repeats)
]


class FailureLimits(Options):
    """Limits at which failing trials stop the study: the first ones with one cause, or too large a share once there are enough."""

    first: Annotated[int, Field(ge=1, description="this many trials at the start with the same cause"), AS_COUNT] = 3
    share: Annotated[float, Field(gt=0, le=1, description="or more than this share of the trainings"), AS_SHARE] = 0.5
    after: Annotated[int, Field(ge=1, description="once there were this many"), AS_COUNT] = 10


class SearchOptions(Options):
    """Options of the search: sampler, number of trials, workers, limits."""

    sampler: Annotated[SamplerName, Field(description="Optuna's sampler")] = "tpe"
    trials: Annotated[
        int, Field(ge=1, le=1_000_000, description="trained distinct networks of each search, a total also after a resume"), AS_COUNT
    ] = 24
    repeats: Annotated[
        Repeats,
        Field(description="independent searches, one after the other; `up to N` ends after 3, 6, 12, ... once every sentence is decided"),
        AS_COUNT,
    ] = 1
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

    @property
    def repeat_count(self) -> int:
        """Return the number of repeats, at most: the N of `up to N` too."""
        return int(str(self.repeats).removeprefix("up to "))

    @property
    def is_sequential(self) -> bool:
        """Return whether `up to N` was written: the study may end before N repeats."""
        return isinstance(self.repeats, str)

    @property
    def looks(self) -> tuple[int, ...]:
        """Return after how many whole repeats the answer is looked at: of `up to N` after 3, 6, 12, ... and N, else at the end alone."""
        early = takewhile(lambda count: count < self.repeat_count, (FIRST_LOOK << k for k in range(MOST_REPEATS)))
        return (*(early if self.is_sequential else ()), self.repeat_count)

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
