"""The record of a trial: one proposed network, from its proposal to the report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import combinations
from typing import Any, TypeAlias

Assignment: TypeAlias = dict[str, int | float | str | bool]
"""The value of each active search parameter."""


class TrialState(StrEnum):
    """The state of a proposed network or of one of its trainings. The value is the word on disk."""

    TRAINED = "trained"
    DUPLICATE = "duplicate"  # of a network seen before in the study, whose result was copied
    OVER_BUDGET = "over_budget"  # refused before training
    DIVERGED = "diverged"  # a loss or an objective that is not finite
    FAILED = "failed"
    OOM = "oom"  # out of memory
    TIMEOUT = "timeout"
    HUNG = "hung"  # no step for longer than `stall_s`
    RUNNING = "running"  # not finished: trained now, or left by a driver that was killed

    @property
    def is_trained(self) -> bool:
        """Return whether a training ended with a result."""
        return self is TrialState.TRAINED

    @property
    def is_failure(self) -> bool:
        """Return whether a training ended without a result, for a reason that says nothing about the network's quality."""
        return self in (TrialState.FAILED, TrialState.OOM, TrialState.TIMEOUT, TrialState.HUNG)

    @property
    def is_training_end(self) -> bool:
        """Return whether a training can end in this state; the others are of trials that were not trained."""
        return self.is_trained or self.is_failure or self is TrialState.DIVERGED

    @property
    def merged(self) -> TrialState:
        """Return the state under which reports count a trial: every failure is FAILED."""
        return TrialState.FAILED if self.is_failure else self

    @property
    def label(self) -> str:
        """Return the state in words, for people: `over budget`."""
        return self.value.replace("_", " ")


@dataclass(frozen=True)
class TrialRecord:
    """A proposed network and what became of it.

    `params` are the search parameters' values, `solved` the widths that the solver found, `families` the choices by which the study
    compares. `nearest` is the named seed that differs in the fewest parameters, and in how many. `costs` are exact counts at batch 1;
    `measured` holds the latency as a ratio to the baseline's, `violations` the relative distance outside each budget (> 0 is outside).
    `metrics` are of the validation split after the last epoch, `values` the objectives' (of a duplicate: copied). `seconds` is the
    training's wall time, 0 where nothing was trained. `comparable` is false where the training was not the study's (`reason` says how);
    such a trial is never called best. `reused` names the trial of another run (`runs/first#17`) whose result this is. `repeat` is the
    search that proposed it, from 0; numbers run through all searches of a study.
    """

    number: int
    state: TrialState
    label: str = ""
    key: str = ""
    params: Assignment = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    nearest: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=dict)
    solved: dict[str, int] = field(default_factory=dict)
    violations: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    duplicate_of: int | None = None
    reason: str = ""
    seed: int | None = None
    seconds: float = 0.0
    started: str | None = None  # local time, ISO 8601
    ended: str | None = None
    comparable: bool = True
    reused: str = ""
    repeat: int = 0

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrialRecord:
        """Return the record that `as_dict` was called on. Raises TypeError or ValueError for anything else."""
        return cls(**{**content, "state": TrialState(content["state"])})

    def as_dict(self) -> dict[str, Any]:
        """Return every field as JSON-able data; `repeat` only where it is not the first, as in files of earlier versions."""
        content = asdict(self)
        if not self.repeat:
            del content["repeat"]
        return content

    @property
    def name(self) -> str:
        """Return number and label for people: `#17 hs-s4`."""
        return f"#{self.number} {self.label}".rstrip()

    @property
    def is_feasible(self) -> bool:
        """Return whether it was trained as the study says and is inside every budget: only such a trial can be best."""
        return self.state.is_trained and self.comparable and all(value <= 0 for value in self.violations.values())

    @cached_property
    def quantities(self) -> dict[str, float]:
        """Return every number known of the network: costs, objectives, metrics and measurements."""
        return {**self.costs, **self.values, **self.metrics, **self.measured}

    @property
    def choices(self) -> dict[str, int | float | str | bool]:
        """Return every search parameter's value and every solved width."""
        return {**self.params, **self.solved}

    @property
    def explanation(self) -> str:
        """Return the reason, else whose result was taken over."""
        return self.reason or (f"trained as {self.reused}" if self.reused else "")

    def choice(self, hole: str | None) -> str | None:
        """Return its choice for a search parameter, also of one by which the study did not compare when it was proposed.

        None where the trial was never expanded or has no such parameter.
        """
        if hole is None:
            return None
        chosen = str(self.params[hole]) if self.key and hole in self.params else None
        return self.families.get(hole, chosen)

    def family(self, per: str | None, default: str) -> str:
        """Return the name of its family when the study compares by `per`; `default` without one."""
        choice = self.choice(per)
        return default if choice is None or per is None else name_family(choice, per)


def count_shared_networks(records: Iterable[TrialRecord], per: str | None) -> dict[tuple[str, str], int]:
    """Return how many networks two families share, by their names: equal canonical keys under different choices of `per`.

    Pairs that share none are left out.
    """
    keys: dict[str, set[str]] = {}
    for record in records:
        if record.key and record.choice(per) is not None:
            keys.setdefault(record.family(per, ""), set()).add(record.key)
    counts = {pair: len(keys[pair[0]] & keys[pair[1]]) for pair in combinations(keys, 2)}
    return {pair: count for pair, count in counts.items() if count}


def name_family(choice: str, per: str) -> str:
    """Return what a choice of the search parameter `per` is called: a word as it is (`hs`), a number with the name (`splits 5`)."""
    return choice if is_word(choice) else f"{per.rpartition('.')[2]} {choice}"


def is_word(choice: str) -> bool:
    """Return whether a choice is a name, as `hs`, rather than a number, true or false."""
    return re.fullmatch(r"-?\d+([./]\d+)?|True|False", choice) is None


def count_saved_trainings(records: Iterable[TrialRecord]) -> dict[str, int]:
    """Return how many trainings were saved: `duplicate` by a network seen before in this study, `reused` by one of another run."""
    by_number = {record.number: record for record in records}
    copied = (record.duplicate_of for record in by_number.values() if record.state is TrialState.DUPLICATE)
    originals = [by_number.get(number) for number in copied if number is not None]
    duplicates = sum(original is not None and original.state is not TrialState.OVER_BUDGET for original in originals)
    return {"duplicate": duplicates, "reused": sum(bool(record.reused) for record in by_number.values())}
