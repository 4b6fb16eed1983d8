"""How an outcome is told to Optuna: which state, which constraints, which values.

Over budget and diverged are constraints > 0 and PRUNED: the sampler learns from them (told as FAIL it would not). NSGA-II reads
COMPLETE trials only, so it gets the worst values. Crashed is FAIL. A duplicate is told what its original was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from blockspace.searching.record.row import Row

# what a row without the attribute has: not worth a commit
TABLES = ("families", "nearest", "costs", "solved", "violations", "measured", "metrics")
EMPTY = {"label": "", "reason": "", "seconds": 0.0, "comparable": True, "reused": "", **{name: {} for name in TABLES}}


@dataclass
class OpenTrial:
    """An unfinished trial and what is stored of it. Only this process writes it, so nothing is read twice: a look costs milliseconds."""

    trial: Trial
    attributes: dict[str, Any] = field(default_factory=dict)
    constraints: set[str] = field(default_factory=set)

    @property
    def number(self) -> int:
        return self.trial.number

    @classmethod
    def continued(cls, trial: Trial, before: FrozenTrial) -> OpenTrial:
        """A trial of a dead driver."""
        return cls(trial, dict(before.user_attrs), set(before.constraints))


class Teller:
    """Writes a study's trials. Everything told is first stored as the trial's attributes, so a kill in between repeats the same words."""

    def __init__(self, study: optuna.Study, objectives: dict[str, str], sampler: str):
        self.study, self.objectives, self.sampler = study, objectives, sampler

    def annotate(self, trial: OpenTrial, **attributes) -> None:
        """Store attributes that say something and are not there yet; each costs a commit."""
        for name, value in attributes.items():
            if trial.attributes.get(name, EMPTY.get(name)) != value:
                trial.trial.set_user_attr(name, value)
                trial.attributes[name] = value

    def tell(self, trial: OpenTrial, status: str, violations: dict[str, float], values: list[float] | None, **attributes) -> None:
        """Finish a trial: `values` in the objectives' order for one that has them, None for one that was refused or failed."""
        self.annotate(trial, status=status, violations=violations, **attributes)
        self.constrain(trial, violations)
        if values is not None:
            self.study.tell(trial.trial, values, TrialState.COMPLETE)
        elif not any(value > 0 for value in violations.values()):
            self.study.tell(trial.trial, state=TrialState.FAIL)
        elif self.sampler == "nsga2":
            self.study.tell(trial.trial, self.worst(), TrialState.COMPLETE)
        else:
            self.study.tell(trial.trial, state=TrialState.PRUNED)

    def constrain(self, trial: OpenTrial, violations: dict[str, float]) -> None:
        """One constraint per budget; for `gp`, which needs the same ones in every trial, their sum."""
        total = sum(value for value in violations.values() if value > 0)
        for name, value in ({"budget": total} if self.sampler == "gp" else violations).items():
            if name not in trial.constraints:  # set before a kill: Optuna keeps the first, which is the same
                trial.trial.set_constraint(name, value)

    def worst(self) -> list[float]:
        return [math.inf if direction == "minimize" else -math.inf for direction in self.objectives.values()]

    def repeat(self, trial: OpenTrial, original: Row) -> None:
        """A network seen before: the same outcome again, at no cost."""
        values = [original.values[name] for name in self.objectives] if original.values else None
        copied = {"metrics": original.metrics, "measured": original.measured, "reason": original.reason, "seed": original.seed}
        copied["comparable"] = original.comparable
        self.tell(trial, "duplicate", original.violations, values, duplicate_of=original.number, seconds=0.0, **copied)


def outside(value: float, low: float | None, high: float | None) -> float:
    """The relative distance of a value outside [low, high]; <= 0 inside, the more the farther from the nearer end."""
    distances = [(value - high) / abs(high or 1)] if high is not None else []
    distances += [(low - value) / abs(low or 1)] if low is not None else []
    return max(distances, default=0.0)
