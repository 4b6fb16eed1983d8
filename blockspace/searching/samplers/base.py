"""Entries of samplers, with the properties that the search needs. A new sampler is a file in this folder that registers an entry.

Such a file must not import Optuna at its top: the names of the samplers are part of the study's options, which are read without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True)
class SamplerEntry:
    """A sampler by its name in YAML. `make(seed)` returns an Optuna `BaseSampler`; a fresh one is made for every trial.

    `repeats_itself`: it may propose its optimum again and again, so after several duplicates in a row one trial is drawn at random.
    `ignores_pruned`: it learns from COMPLETE trials only, so a trial outside a budget is told as COMPLETE with the worst values.
    `needs_equal_constraints`: every trial must have the same constraints, so the violations of all budgets are told as one sum.
    `random_start`: so many of a search's first proposals are independent uniform draws, whatever it knows by then; None: all are.
    """

    name: str
    make: Callable[[int], BaseSampler]
    repeats_itself: bool = False
    ignores_pruned: bool = False
    needs_equal_constraints: bool = False
    random_start: int | None = 0


SAMPLERS: dict[str, SamplerEntry] = {}


def register_sampler(entry: SamplerEntry) -> None:
    """Add a sampler to `SAMPLERS`. Raises ValueError for a name that is taken."""
    if entry.name in SAMPLERS:
        raise ValueError(f"sampler {entry.name!r} is registered twice")
    SAMPLERS[entry.name] = entry
