"""The results of all networks so far, and the storing of outcomes: each is judged, reported to the sampler and recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import optuna

from blockspace.costs import compute_violation
from blockspace.executors import Result
from blockspace.records import Listener, TrialDuplicated, TrialFinished, TrialRecord, TrialRefused, TrialState
from blockspace.searching.hopeless_choices import HopelessChoices
from blockspace.searching.numbering import TrialNumbers, read_trial_records
from blockspace.searching.optuna_adapter import OpenTrial, Teller, read_trial_record
from blockspace.searching.plan import SearchPlan
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.scheduler import QueuedJob
from blockspace.searching.space.candidate import Candidate


@dataclass(eq=False)
class Proposal(QueuedJob):
    """A candidate that waits for a worker or is in one. `retried` says why it is trained again, with other options than the study's."""

    trial: OpenTrial = field(kw_only=True)
    candidate: Candidate = field(kw_only=True)
    measured: dict[str, float] = field(kw_only=True)
    retried: str = field(default="", kw_only=True)

    def change_options(self, options: dict[str, object], reason: str) -> None:
        """Give the job other options than the study's, and say why."""
        self.job = replace(self.job, options=self.job.options | options)
        self.retried = reason


class TrialStore:
    """The only writer of the trials of one search.

    `finished` are records by network key, `trained` the records that count, `waiting` the duplicates of a network that is not finished,
    `hopeless` the choices of which no network is within the budget.
    """

    def __init__(self, plan: SearchPlan, study: optuna.Study, numbers: TrialNumbers, emit: Listener):
        self.plan, self.study, self.numbers, self.emit = plan, study, numbers, emit
        self.teller = Teller(study, plan.objectives, SAMPLERS[plan.options.sampler])
        self.hopeless = HopelessChoices(plan.compared)
        self.finished: dict[str, TrialRecord] = {}
        self.trained: list[TrialRecord] = []
        self.waiting: dict[str, list[OpenTrial]] = {}

    def records(self) -> list[TrialRecord]:
        """Return the records of all trials, by number."""
        return read_trial_records(self.study, self.plan.objectives, self.numbers)

    def remember(self, record: TrialRecord) -> None:
        """Take note of a finished trial."""
        self.hopeless.note(record)
        if record.state.is_trained:
            self.trained.append(record)
        if record.key and record.duplicate_of is None:
            self.finished.setdefault(record.key, record)

    def _finish_trial(self, trial: OpenTrial, key: str) -> TrialRecord:
        """Remember a trial that was told, and finish the duplicates that waited for it. Returns its record."""
        record = self._record(trial)
        self.remember(record)
        for follower in self.waiting.pop(key, []):
            self.copy_outcome(follower, record)
        return record

    def _record(self, trial: OpenTrial) -> TrialRecord:
        stored = self.study.get_trials(deepcopy=False)[trial.trial.number]
        return read_trial_record(stored, self.plan.objectives, trial.number, self.numbers.repeat)

    def copy_outcome(self, trial: OpenTrial, original: TrialRecord) -> None:
        """Store a trial whose network was seen before."""
        self.teller.repeat(trial, original)
        record = self._record(trial)
        self.hopeless.note(record)
        self.emit(TrialDuplicated(record))

    def refuse(self, trial: OpenTrial, violations: dict[str, float], reason: str, key: str = "") -> None:
        """Store a proposal that is not trained, as over budget.

        It is outside a budget, or a combination of choices that does not expand: then its violation is `{"invalid": 1.0}`.
        """
        self.teller.tell(trial, TrialState.OVER_BUDGET, violations, None, reason=reason, seconds=0.0)
        self.emit(TrialRefused(self._finish_trial(trial, key)))

    def compute_violations(self, candidate: Candidate, measured: dict[str, float]) -> dict[str, float]:
        """Return the relative distance outside each budget, of counted costs and of measured values."""
        limits = self.plan.limits
        return {**candidate.violations, **{name: compute_violation(measured[name], *limits[name]) for name in limits if name in measured}}

    def store_result(self, proposal: Proposal, result: Result) -> None:
        """Store a training's outcome."""
        result, values = self._judge(proposal, result)
        trial, candidate = proposal.trial, proposal.candidate
        violations = self.compute_violations(candidate, proposal.measured)
        if result.state in (TrialState.TRAINED, TrialState.DIVERGED):
            violations["diverged"] = float(result.state is TrialState.DIVERGED)
        else:
            violations = {}  # told as FAIL, which is neither inside nor outside
        metrics = {name: value for name, value in result.metrics.items() if math.isfinite(value)}
        reason = "; ".join(filter(None, (proposal.retried, result.reason)))
        facts = {"metrics": metrics, "reason": reason, "seed": proposal.job.seed, "seconds": result.seconds, "reused": result.origin}
        self.teller.tell(trial, result.state, violations, values, comparable=not proposal.retried, **facts)
        record = self._finish_trial(trial, candidate.key)
        self.emit(TrialFinished(record, len(self.trained)))

    def _judge(self, proposal: Proposal, result: Result) -> tuple[Result, list[float] | None]:
        """Return the result with its objectives' values; one without a finite value for each of them has not trained."""
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
