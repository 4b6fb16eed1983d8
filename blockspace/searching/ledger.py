"""The ledger: what is known of every network, and how an outcome is entered: judged, told to the sampler, remembered."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import optuna

from blockspace.executors import Job, Result
from blockspace.records import TrialDuplicated, TrialFinished, TrialRecord, TrialRefused, TrialState
from blockspace.searching.plan import Plan
from blockspace.searching.record.optuna_adapter import OpenTrial, Teller, outside, read_trial_record
from blockspace.searching.space.candidate import Candidate


@dataclass
class Proposal:
    """A candidate that waits for a worker or is in one. `retried` says why it is trained again, with another task than the study's."""

    trial: OpenTrial
    candidate: Candidate
    measured: dict[str, float]
    task: Job
    attempts: int = 0
    retried: str = ""


@dataclass
class Ledger:
    """`seen` are finished networks by key, `trained` the rows that count, `followers` duplicates of a network that is not finished yet."""

    plan: Plan
    study: optuna.Study
    teller: Teller
    seen: dict[str, TrialRecord] = field(default_factory=dict)
    trained: list[TrialRecord] = field(default_factory=list)
    followers: dict[str, list[OpenTrial]] = field(default_factory=dict)

    def remember(self, done: TrialRecord) -> None:
        if done.state.is_trained:
            self.trained.append(done)
        if done.key and done.duplicate_of is None:
            self.seen.setdefault(done.key, done)

    def settle(self, number: int, key: str) -> TrialRecord:
        """Remember a finished trial, and finish the duplicates that waited for it."""
        done = self.row(number)
        self.remember(done)
        for follower in self.followers.pop(key, []):
            self.repeat(follower, done)
        return done

    def row(self, number: int) -> TrialRecord:
        return read_trial_record(self.study.get_trials(deepcopy=False)[number], self.plan.objectives)

    def repeat(self, trial: OpenTrial, original: TrialRecord) -> None:
        """Enter a network that was seen before."""
        self.teller.repeat(trial, original)
        self.plan.emit(TrialDuplicated(self.row(trial.number)))

    def refuse(self, trial: OpenTrial, violations: dict[str, float], reason: str, key: str = "") -> None:
        """Enter a proposal that is outside a budget."""
        self.teller.tell(trial, TrialState.OVER_BUDGET, violations, None, reason=reason, seconds=0.0)
        self.plan.emit(TrialRefused(self.settle(trial.number, key)))

    def violations(self, candidate: Candidate, measured: dict[str, float]) -> dict[str, float]:
        """The relative distance outside each budget, counted and measured."""
        found = {name: outside(measured[name], *limits) for name, limits in self.plan.limits.items() if name in measured}
        return {**candidate.violations, **found}

    def finish(self, proposal: Proposal, result: Result) -> None:
        """Enter a training's outcome."""
        result, values = self.judged(proposal, result)
        trial, candidate = proposal.trial, proposal.candidate
        violations = self.violations(candidate, proposal.measured)
        if result.state in (TrialState.TRAINED, TrialState.DIVERGED):
            violations["diverged"] = float(result.state is TrialState.DIVERGED)
        else:
            violations = {}  # told as FAIL, which is neither inside nor outside
        metrics = {name: value for name, value in result.metrics.items() if math.isfinite(value)}
        reason = "; ".join(filter(None, (proposal.retried, result.reason)))
        facts = {"metrics": metrics, "reason": reason, "seed": proposal.task.seed, "seconds": result.seconds, "reused": result.origin}
        self.teller.tell(trial, result.state, violations, values, comparable=not proposal.retried, **facts)
        done = self.settle(trial.number, candidate.key)
        self.plan.emit(TrialFinished(done, len(self.trained)))

    def judged(self, proposal: Proposal, result: Result) -> tuple[Result, list[float] | None]:
        """The result with its objectives' values; one without a finite value for each of them has not trained."""
        if not result.trained:
            return result, None
        known = {**proposal.candidate.costs, **proposal.measured, **result.metrics}
        missing = [name for name in self.plan.objectives if name not in known]
        if missing:
            reason = f"no value for the objective {missing[0]!r}; there are {', '.join(sorted(known))}"
            return replace(result, state=TrialState.FAILED, reason=reason, signature=reason), None
        values = [float(known[name]) for name in self.plan.objectives]
        if not all(map(math.isfinite, values)):
            return replace(result, state=TrialState.DIVERGED, reason="a value that is not finite"), None
        return result, values
