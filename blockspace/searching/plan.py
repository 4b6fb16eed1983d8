"""The plan of a search: all that stays the same while it runs, and what of it may change between starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from blockspace.executors import Evaluate, Job, Result
from blockspace.searching.options import SearchOptions
from blockspace.searching.result_cache import ResultCache
from blockspace.searching.seeds import derive_repeat_seed
from blockspace.searching.space.candidate import Candidate, CandidateSpace

MUTABLE_KEYS = (
    "out", "train.loader", "train.workers", "search.workers", "search.trials", "search.repeats", "search.timeout", "search.stall_s",
    "finalists", "compare",  # what comes after the search
)  # fmt: skip

EXHAUSTED = "the space is exhausted"  # why a search has fewer networks than were asked for

Measure: TypeAlias = Callable[[Candidate], dict[str, float] | None]
Retry: TypeAlias = Callable[[Job, Result], tuple[dict[str, Any], str] | None]
MeasuredLimits: TypeAlias = dict[str, tuple[float | None, float | None]]


@dataclass(frozen=True)
class SearchPlan:
    """A search: its space, how a network is evaluated, and what is wanted.

    `objectives` maps names (of metrics, measured values or costs) to `maximize` or `minimize`. `measure` is called in the driver, at most
    once per network, while workers train; `limits` are the (low, high) budgets on what it returns. `job_options` reaches every job as its
    `options`, together with what `options_of(candidate)` adds. `retry(job, result)` may answer an unsuccessful training with (changed
    options, why): it is run once more, and is not comparable. `initial` are whole assignments that are proposed before the sampler is
    asked; `earlier` are results of other runs, taken over instead of being trained again. `compared` are the holes whose choices the study
    tells apart: a choice of which no network is within the budget is not asked for without end. `checked_elsewhere` are sections of the
    digest that may be written in another way now, because the caller has compared what they mean. `repeat` is which of the study's
    independent searches it is, from 0: they share nothing but the settings, and each has a `seed` of its own.
    """

    space: CandidateSpace
    evaluate: Evaluate
    objectives: dict[str, str]
    options: SearchOptions
    measure: Measure | None = None
    limits: MeasuredLimits = field(default_factory=dict)
    job_options: dict[str, Any] = field(default_factory=dict)
    options_of: Callable[[Candidate], dict[str, Any]] | None = None
    retry: Retry | None = None
    initial: Sequence[dict[str, Any]] = ()
    earlier: ResultCache = field(default_factory=ResultCache)
    compared: Sequence[str] = ()
    checked_elsewhere: Sequence[str] = ()
    repeat: int = 0

    @property
    def seed(self) -> int:
        """Return the seed from which those of this search's sampler and trainings are derived."""
        return derive_repeat_seed(self.options.seed, self.repeat)

    def make_options(self, candidate: Candidate) -> dict[str, Any]:
        """Return the options of a candidate's job."""
        return self.job_options | (self.options_of(candidate) if self.options_of else {})

    def digest(self) -> dict[str, Any]:
        """Return, as plain data, what may not change when the search is resumed."""
        search: dict[str, Any] = {"sampler": self.options.sampler, "seed": self.options.seed, "per_choice": self.options.per_choice}
        search |= {"seeds": list(self.initial)} if self.initial else {}
        return {"objectives": self.objectives, "limits": dict(self.limits), "measured": self.measure is not None, "search": search}


def diff_configs(old: Any, new: Any, path: str = "", ignored: Sequence[str] = ()) -> list[str]:
    """Return one line per leaf that differs: `search.seed: 0 -> 1`. `MUTABLE_KEYS` and `ignored` are passed over."""
    if path in MUTABLE_KEYS or path in ignored or old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        inner = ((f"{path}.{name}" if path else name, old.get(name), new.get(name)) for name in names)
        return [row for place, a, b in inner for row in diff_configs(a, b, place, ignored)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [row for i, (a, b) in enumerate(zip(old, new)) for row in diff_configs(a, b, f"{path}[{i}]", ignored)]
    return [f"{path}: {format_value(old)} -> {format_value(new)}"]


def format_value(value: Any) -> str:
    """Return a value as short JSON."""
    text = "(absent)" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
