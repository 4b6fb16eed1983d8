"""Optuna's trials: how an outcome is told, and how a record is read back.

Over budget and diverged are constraints > 0 and PRUNED: the sampler learns from them (told as FAIL it would not). NSGA-II reads
COMPLETE trials only, so it gets the worst values (see `SamplerEntry`). Crashed is FAIL. A duplicate is told what its original was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial

from blockspace.records import TrialRecord, TrialState
from blockspace.searching.samplers import SamplerEntry

CANDIDATE_FIELDS = ("label", "key", "families", "nearest", "costs", "solved")
OUTCOME_FIELDS = ("violations", "measured", "metrics", "duplicate_of", "reason", "seed", "seconds", "comparable", "reused")
# what a trial without the attribute has: not worth a commit
EMPTY = {"label": "", "reason": "", "seconds": 0.0, "comparable": True, "reused": ""} | {
    name: {} for name in ("families", "nearest", "costs", "solved", "violations", "measured", "metrics")
}


class DamagedRecord(ValueError):
    """Raised for a stored trial with attributes that no trial of ours has."""


def read_trial_record(trial: FrozenTrial, objectives: dict[str, str], number: int, repeat: int = 0) -> TrialRecord:
    """Return the record of a stored trial, whose number in the run directory is `number`. Raises DamagedRecord."""
    try:
        return replace(_read_attributes(trial, objectives), number=number, repeat=repeat)
    except (ValueError, TypeError, AttributeError) as reason:
        raise DamagedRecord(f"trial {number}: {reason}") from reason


def _read_attributes(trial: FrozenTrial, objectives: dict[str, str]) -> TrialRecord:
    attributes = {name: trial.user_attrs[name] for name in (*CANDIDATE_FIELDS, *OUTCOME_FIELDS) if name in trial.user_attrs}
    for name, value in attributes.items():
        if name in EMPTY and not isinstance(value, type(EMPTY[name])) and not (name == "seconds" and isinstance(value, int)):
            raise ValueError(f"{name} is {type(value).__name__}, not {type(EMPTY[name]).__name__}")
    state = TrialState(trial.user_attrs.get("status", "failed")) if trial.state.is_finished() else TrialState.RUNNING
    values = trial.values if trial.state.name == "COMPLETE" and not is_refused(trial) else None
    return TrialRecord(
        number=trial.number,
        state=state,
        params=dict(trial.params),
        values=dict(zip(objectives, values)) if values else {},
        started=trial.datetime_start.isoformat() if trial.datetime_start else None,
        ended=trial.datetime_complete.isoformat() if trial.datetime_complete else None,
        **attributes,
    )


def is_refused(trial: FrozenTrial) -> bool:
    """Return whether a trial was told as infeasible. NSGA-II is told so as COMPLETE with the worst values, which are not values."""
    return any(value > 0 for value in trial.constraints.values())


@dataclass
class OpenTrial:
    """An unfinished trial, its number, and what is stored of it. Only this process writes it, so nothing is read twice."""

    trial: Trial
    number: int  # in the run directory
    attributes: dict[str, Any] = field(default_factory=dict)
    constraints: set[str] = field(default_factory=set)

    @classmethod
    def continued(cls, trial: Trial, number: int, before: FrozenTrial) -> OpenTrial:
        """Return a trial that a dead driver left, with what it had stored."""
        return cls(trial, number, dict(before.user_attrs), set(before.constraints))


class Teller:
    """Writes a study's trials to Optuna. Everything is first stored as the trial's attributes, so that a kill in between repeats it."""

    def __init__(self, study: optuna.Study, objectives: dict[str, str], sampler: SamplerEntry):
        self.study, self.objectives, self.sampler = study, objectives, sampler

    def annotate(self, trial: OpenTrial, **attributes: Any) -> None:
        """Store attributes that say something and are not there yet; each costs a commit."""
        for name, value in attributes.items():
            if trial.attributes.get(name, EMPTY.get(name)) != value:
                trial.trial.set_user_attr(name, value)
                trial.attributes[name] = value

    def tell(
        self, trial: OpenTrial, state: TrialState, violations: dict[str, float], values: list[float] | None, **attributes: Any
    ) -> None:
        """Finish a trial: `values` in the objectives' order for one that has them, None for one that was refused or failed."""
        self.annotate(trial, status=state.value, violations=violations, **attributes)
        self.constrain(trial, violations)
        if values is not None:
            self.study.tell(trial.trial, values, optuna.trial.TrialState.COMPLETE)
        elif not any(value > 0 for value in violations.values()):
            self.study.tell(trial.trial, state=optuna.trial.TrialState.FAIL)
        elif self.sampler.ignores_pruned:
            self.study.tell(trial.trial, self.worst(), optuna.trial.TrialState.COMPLETE)
        else:
            self.study.tell(trial.trial, state=optuna.trial.TrialState.PRUNED)

    def constrain(self, trial: OpenTrial, violations: dict[str, float]) -> None:
        """Set one constraint per budget; for a sampler that needs the same ones in every trial, their sum."""
        total = sum(value for value in violations.values() if value > 0)
        for name, value in ({"budget": total} if self.sampler.needs_equal_constraints else violations).items():
            if name not in trial.constraints:  # set before a kill: Optuna keeps the first, which is the same
                trial.trial.set_constraint(name, value)

    def worst(self) -> list[float]:
        """Return the worst value of each objective."""
        return [math.inf if direction == "minimize" else -math.inf for direction in self.objectives.values()]

    def repeat(self, trial: OpenTrial, original: TrialRecord) -> None:
        """Finish a trial whose network was seen before, with the same outcome."""
        values = [original.values[name] for name in self.objectives] if original.values else None
        copied = {"metrics": original.metrics, "measured": original.measured, "reason": original.reason, "seed": original.seed}
        copied["comparable"] = original.comparable
        self.tell(trial, TrialState.DUPLICATE, original.violations, values, duplicate_of=original.number, seconds=0.0, **copied)
