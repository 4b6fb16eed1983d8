"""What is searched and how: all that stays the same while the search runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from blockspace.executors import Evaluate, Job, Result
from blockspace.searching.options import SearchOptions
from blockspace.searching.record.result_cache import ResultCache
from blockspace.searching.space.candidate import Candidate, CandidateSpace

Measure: TypeAlias = Callable[[Candidate], dict[str, float] | None]
Retry: TypeAlias = Callable[[Job, Result], tuple[dict[str, Any], str] | None]
MeasuredLimits: TypeAlias = dict[str, tuple[float | None, float | None]]


@dataclass(frozen=True)
class SearchPlan:
    """A search: its space, how a network is evaluated, and what is wanted.

    `objectives` maps names (of metrics, measured values or costs) to `maximize` or `minimize`. `measure` is called in the driver, at most
    once per network, while workers train; `limits` are the (low, high) budgets on what it returns. `job_options` reaches every job as its
    `options`. `retry(job, result)` may answer an unsuccessful training with (changed options, why): it is run once more, and is not
    comparable. `initial` are whole assignments that are proposed before the sampler is asked; `earlier` are results of other runs, taken
    over instead of being trained again.
    """

    space: CandidateSpace
    evaluate: Evaluate
    objectives: dict[str, str]
    options: SearchOptions
    measure: Measure | None = None
    limits: MeasuredLimits = field(default_factory=dict)
    job_options: dict[str, Any] = field(default_factory=dict)
    retry: Retry | None = None
    initial: Sequence[dict[str, Any]] = ()
    earlier: ResultCache = field(default_factory=ResultCache)

    def digest(self) -> dict[str, Any]:
        """Return, as plain data, what may not change when the search is resumed."""
        search: dict[str, Any] = {"sampler": self.options.sampler, "seed": self.options.seed, "per_choice": self.options.per_choice}
        search |= {"seeds": list(self.initial)} if self.initial else {}
        return {"objectives": self.objectives, "limits": dict(self.limits), "measured": self.measure is not None, "search": search}
