"""The search as a source of jobs: propose, refuse what is known or over budget, hand out the rest, store what became of it; resume exactly.

Only this loop touches the storage. Workers get an architecture and a seed; what they did is in their result file before it is in the
database, so a kill at any point loses at most the trainings that were running, and those are repeated with the same seed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from blockspace.errors import BlockspaceError, FailureError, InfeasibleError, error
from blockspace.executors import (
    PRELOAD,
    Executor,
    Job,
    Result,
    StorageFault,
    TimeLimits,
    adopt_result,
    failure_result,
    open_executor,
)
from blockspace.files import find_storage_error, sweep_temporaries
from blockspace.records import (
    Listener,
    ResultAdopted,
    RunDir,
    SearchEnded,
    SearchGivenUp,
    SearchOpened,
    TrainingRequeued,
    TrainingRetried,
    TrialMeasured,
    TrialProposed,
    TrialRecord,
    Warned,
    count_saved_trainings,
    ignore_event,
)
from blockspace.searching.failures import FailureGuard, explain_no_training
from blockspace.searching.interrupt import StopRequest, handle_stop_signals
from blockspace.searching.lock import StudyLock
from blockspace.searching.numbering import TrialNumbers
from blockspace.searching.optuna_adapter import CANDIDATE_FIELDS, OpenTrial, read_trial_record
from blockspace.searching.plan import EXHAUSTED, SearchPlan
from blockspace.searching.reproducible_sampler import ReproducibleSampler
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.scheduler import Scheduler
from blockspace.searching.seeds import derive_training_seed
from blockspace.searching.space.candidate import Candidate
from blockspace.searching.space.stratify import Stratifier
from blockspace.searching.storage import mark_ended, open_study
from blockspace.searching.trial_store import Proposal, TrialStore


class SearchLoop:
    """One start of a search. `pending` proposals were handed out and have no outcome yet; `orphans` are trials of a dead driver."""

    def __init__(
        self,
        plan: SearchPlan,
        run: RunDir,
        study: optuna.Study,
        numbers: TrialNumbers,
        is_exhausted: Callable[[], bool],
        emit: Listener,
    ):
        self.plan, self.run_dir, self.study, self.numbers, self.is_exhausted, self.emit = plan, run, study, numbers, is_exhausted, emit
        self.balance = Stratifier(plan.space, plan.options.per_choice, plan.options.trials)
        self.store = TrialStore(plan, study, numbers, emit)
        self.guard = FailureGuard(plan.options.failures)
        self.pending: list[Proposal] = []
        self.orphans: deque[FrozenTrial] = deque()
        self.proposed = 0

    def run(self, executor: Executor, request: StopRequest) -> list[TrialRecord]:
        """Search to the end and return the records. However it ends, no training of it is left running: the executor may be shared."""
        try:
            self._read_earlier_starts()
            if not Scheduler[Proposal](executor, self.plan.evaluate, request, self.emit).drive(self):
                records = self.store.records()
                self.emit(SearchGivenUp(tuple(records), self.plan.repeat))
                raise request.interrupted(records)
            return self._close()
        except (FailureError, InfeasibleError):
            self.emit(SearchGivenUp(tuple(self.store.records()), self.plan.repeat))
            raise

    def _read_earlier_starts(self) -> None:
        """Read what earlier starts did. We hold the lock, so whatever is not finished belongs to a dead driver and is ours to continue."""
        before = []
        for trial in self.study.get_trials(deepcopy=False):
            self.proposed += 1
            if trial.state.is_finished():
                number = self.numbers.find(trial.number)
                before.append(read_trial_record(trial, self.plan.objectives, number, self.numbers.repeat))
                self.store.remember(before[-1])
            else:
                self.orphans.append(trial)
        self.emit(SearchOpened(len(self.store.trained), self.proposed, len(self.orphans), tuple(before), self.plan.repeat))

    # what to do next

    @property
    def lookahead(self) -> int:
        """Return how many jobs to prepare before a worker is free: none, so that the sampler knows all that is finished; one to measure."""
        return int(self.plan.measure is not None)

    def has_next(self) -> bool:
        """Return whether another trial may be proposed now."""
        missing = self.plan.options.trials - len(self.store.trained) - len(self.pending)
        return bool(self.orphans) or (missing > 0 and self._reason_to_end() is None)

    def _reason_to_end(self) -> str | None:
        """Return why no further network can be asked for, if so."""
        cap = self.plan.options.proposals * self.plan.options.trials
        if self.is_exhausted():
            return EXHAUSTED
        for name, choices in self.store.hopeless.given_up().items():
            if choices.issuperset(map(str, self.plan.space.choices(name))):
                return f"no choice of {name} has a network within the budget"
        return f"{self.proposed} proposals gave no more new networks within the budget" if self.proposed >= cap else None

    def next_job(self) -> Proposal | None:
        """Propose a network. Returns None for one whose outcome is known without a training; that is stored at once."""
        proposal = self._prepare(self._next_trial())
        if proposal is not None:
            self.pending.append(proposal)
        return proposal

    def _next_trial(self) -> OpenTrial:
        """Return an orphan under its old number, else a new trial: an initial one, or one with the balanced choices fixed."""
        if self.orphans:
            orphan = self.orphans.popleft()
            trial = self.study.ask() if orphan.state == TrialState.WAITING else Trial(self.study, orphan._trial_id)
            return OpenTrial.continued(trial, self.numbers.find(trial.number), orphan)
        chosen = [*(record.families for record in self.store.trained), *(p.candidate.families for p in self.pending)]
        fixed = self._initial_assignment() or self.balance.next(chosen, self.store.hopeless.given_up())
        self.numbers.reserve(self.study, self.proposed)
        self.proposed += 1
        if fixed:
            self.study.enqueue_trial(fixed)
        trial = self.study.ask()
        return OpenTrial(trial, self.numbers.find(trial.number))

    def _initial_assignment(self) -> dict[str, Any] | None:
        """Return the assignment that the study gives for the next number: the first numbers are its own."""
        return self.plan.initial[self.proposed] if self.proposed < len(self.plan.initial) else None

    # from a trial to a job

    def _prepare(self, trial: OpenTrial) -> Proposal | None:
        """Return the trial's proposal; None where it need not be trained, and was finished at once."""
        candidate = self._propose(trial)
        if candidate is None or self._is_known(trial, candidate) or self._is_over_budget(trial, candidate, {}):
            return None
        job = make_job(self.plan, self.run_dir, trial.number, candidate)
        try:
            measured = self._measure(trial, candidate)
        except Exception as reason:
            if storage := find_storage_error(reason, self.run_dir):
                raise storage from reason
            proposal = Proposal(job, trial=trial, candidate=candidate, measured={})
            return self._store_or_retry(proposal, failure_result(reason, job, 0.0), is_new=True)
        if self.plan.measure is not None and "measured" not in trial.attributes:
            self.store.teller.annotate(trial, measured=measured)
            self.emit(TrialMeasured(trial.number, candidate.label, measured))
        if self._is_over_budget(trial, candidate, measured):
            return None
        proposal = Proposal(job, trial=trial, candidate=candidate, measured=measured)
        if "retried" in trial.attributes:
            proposal.change_options(*trial.attributes["retried"])
        result = adopt_result(job.folder, candidate.key, job.seed, lambda text: self.emit(Warned(text))) or self._take_earlier(proposal)
        if result is None:
            return proposal
        self.emit(ResultAdopted(trial.number, candidate.label))
        return self._store_or_retry(proposal, result)

    def _take_earlier(self, proposal: Proposal) -> Result | None:
        """Return the same training's result in another run, if any; one with changed options is another training."""
        return None if proposal.retried else self.plan.earlier.take(proposal.job)

    def _propose(self, trial: OpenTrial) -> Candidate | None:
        """Return the trial's candidate; None after a combination that the space itself refuses."""
        assignment = self.plan.space.suggest(trial.trial)
        try:
            candidate = self.plan.space.propose(assignment)
        except BlockspaceError as reason:
            self.store.refuse(trial, {"invalid": 1.0}, str(reason).splitlines()[0])
            return None
        self.balance.check(candidate)
        _check_same_network(trial, candidate)
        self.store.teller.annotate(trial, **{name: getattr(candidate, name) for name in CANDIDATE_FIELDS})
        self.emit(TrialProposed(trial.number, candidate.label, candidate.families))
        return candidate

    def _is_known(self, trial: OpenTrial, candidate: Candidate) -> bool:
        """Return whether the network was seen. Its outcome is copied, as soon as it has one."""
        if candidate.key in self.store.finished:
            self.store.copy_outcome(trial, self.store.finished[candidate.key])
            return True
        is_pending = any(candidate.key == other.candidate.key for other in self.pending)
        if is_pending:
            self.store.waiting.setdefault(candidate.key, []).append(trial)
        return is_pending

    def _is_over_budget(self, trial: OpenTrial, candidate: Candidate, measured: dict[str, float]) -> bool:
        """Return whether a budget is missed; the trial is then finished."""
        violations = self.store.compute_violations(candidate, measured)
        missed = [f"{name} {value:.1%} outside the budget" for name, value in violations.items() if value > 0]
        if missed:
            self.store.refuse(trial, violations, ", ".join(missed), key=candidate.key)
        return bool(missed)

    def _measure(self, trial: OpenTrial, candidate: Candidate) -> dict[str, float]:
        """Return what was measured of the network, once: a continued trial reads it. Raises whatever `measure` raises, and ValueError."""
        if self.plan.measure is None or "measured" in trial.attributes:
            return dict(trial.attributes.get("measured", {}))
        measured = {name: float(value) for name, value in (self.plan.measure(candidate) or {}).items()}
        bad = [name for name, value in measured.items() if not math.isfinite(value)]
        if bad:
            raise ValueError(f"{bad[0]} is {measured[bad[0]]}")
        return measured

    # from a result to a record

    def finish_job(self, queued: Proposal, result: Result) -> Proposal | None:
        """Store the outcome of a training; returns the proposal where it is to be trained once more."""
        self.pending.remove(queued)
        again = self._store_or_retry(queued, result, is_new=True)
        if again is not None:
            self.pending.append(again)
        return again

    def note_fault(self, queued: Proposal, fault: StorageFault) -> None:
        """Stop the search: its trial stays unfinished and is continued by the next start. Raises StorageError."""
        self.emit(TrainingRequeued(queued.job.number, queued.job.label))
        raise fault.error()

    def _store_or_retry(self, proposal: Proposal, result: Result, is_new: bool = False) -> Proposal | None:
        """Store an outcome, or return the changed proposal to be tried again; the failure limits count only what ended now (`is_new`)."""
        changed = self.plan.retry(proposal.job, result) if self.plan.retry and not proposal.retried else None
        if changed and not result.trained:
            self.store.teller.annotate(proposal.trial, retried=list(changed))
            proposal.change_options(*changed)
            self.emit(TrainingRetried(proposal.trial.number, proposal.candidate.label, proposal.retried))
            return proposal
        self.store.store_result(proposal, result)
        if is_new:
            self.guard.note(result, proposal.trial.number)
        return None

    def _close(self) -> list[TrialRecord]:
        """Return the records, and store that the search is over. Raises InfeasibleError or FailureError if no network was trained."""
        records = self.store.records()
        mark_ended(self.study, self.plan.options.trials)
        if not self.store.trained:
            raise explain_no_training(records)
        saved = count_saved_trainings(records)
        self.emit(SearchEnded(len(self.store.trained), len(records), saved, self._reason_to_end() or "", self.plan.repeat))
        return records


def make_job(plan: SearchPlan, run: RunDir, number: int, candidate: Candidate) -> Job:
    """Return the training of a trial's network."""
    options = plan.options
    return Job(
        str(run.trial(number)), candidate.arch, derive_training_seed(plan.seed, candidate.key), candidate.key,
        plan.make_options(candidate), number, candidate.label, TimeLimits(options.timeout, options.stall_s),
    )  # fmt: skip


def _check_same_network(trial: OpenTrial, candidate: Candidate) -> None:
    """Raise BlockspaceError (E-CHANGED) unless a continued trial is the network it was."""
    before = trial.attributes.get("key", candidate.key)
    if before != candidate.key:
        message = f"trial {trial.number} was network {before} and is {candidate.key} now: the space or the code was changed"
        raise error("E-CHANGED", message, help="choose another `out` folder")


def optimize(
    plan: SearchPlan,
    study_name: str,
    folder: str | Path,
    digest: dict[str, Any] | None = None,
    on_event: Listener | None = None,
    stop: Callable[[], bool] | None = None,
    executor: Executor | None = None,
    lock: StudyLock | None = None,
) -> list[TrialRecord]:
    """Search until `trials` distinct networks are trained, in all starts together. Returns the record of every proposal, by number.

    Of a plan with a `repeat`, only that search is run; the others of the same folder have taken their numbers before it. `digest` is the
    resolved study as plain data: with another one the folder is refused. `on_event` is called with each event. Pass an `executor` to keep
    it for what follows (its capacity then holds), and a `lock` that is already held.

    Raises StorageError (locked, damaged, full), BlockspaceError (changed study), FailureError, InfeasibleError, and Interrupted
    after Ctrl-C, SIGTERM or `stop()` returning true: unfinished trials stay, and the next start continues them under their numbers.
    """
    folder, options = Path(folder).absolute(), plan.options
    sampler = ReproducibleSampler(SAMPLERS[options.sampler], plan.seed)
    with ExitStack() as stack:
        if lock is None:
            stack.enter_context(StudyLock(folder))
        sweep_temporaries(folder)
        study, numbers = stack.enter_context(open_study(folder, study_name, plan, sampler, {**(digest or {}), **plan.digest()}))
        loop = SearchLoop(plan, RunDir(folder), study, numbers, lambda: sampler.exhausted, on_event or ignore_event)
        request = stack.enter_context(handle_stop_signals(stop))
        if executor is None:
            executor = stack.enter_context(open_executor("local", options.worker_count(), PRELOAD))
        return loop.run(executor, request)
