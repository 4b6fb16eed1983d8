"""What is searched and how: all that stays the same while the loop runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blockspace.executors import Evaluate, Job, Result
from blockspace.records import Listener
from blockspace.searching.options import SearchOptions
from blockspace.searching.record.result_cache import ResultCache
from blockspace.searching.space.balance import Balance
from blockspace.searching.space.candidate import Candidate, Space

Measure = Callable[[Candidate], dict[str, float] | None]
Again = Callable[[Job, Result], tuple[dict[str, Any], str] | None]
Limits = dict[str, tuple[float | None, float | None]]


@dataclass(frozen=True)
class Plan:
    """The arguments of `run`, in the order of their use."""

    folder: Path
    space: Space
    evaluate: Evaluate
    objectives: dict[str, str]
    options: SearchOptions
    measure: Measure | None
    limits: Limits
    recipe: dict[str, Any]
    emit: Listener
    balance: Balance
    again: Again | None = None
    first: Sequence[dict[str, Any]] = ()
    earlier: ResultCache = field(default_factory=ResultCache)
