"""The loop: propose, refuse what is known or over budget, train the rest in workers, enter what they did; resume exactly.

Only this loop touches the storage. Workers get an architecture and a seed; what they did is in their result file before it is in the
database, so a kill at any point loses at most the trainings that were running, and those are repeated with the same seed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import Trial, TrialState

from blockspace.errors import BlockspaceError, FailureError, InfeasibleError, StorageError, error
from blockspace.executors import Executor, Handle, Job, JobProgress, Result, TimeLimits, adopt_result, failure_result
from blockspace.files import RESULT, sweep_temporaries
from blockspace.records import (
    ResultAdopted,
    RunDir,
    SearchEnded,
    SearchGivenUp,
    SearchOpened,
    StopRequested,
    TrainingProgressed,
    TrainingRequeued,
    TrainingRetried,
    TrainingStarted,
    TrialMeasured,
    TrialProposed,
    TrialRecord,
    count_saved_trainings,
)
from blockspace.searching.failures import FailureGuard, nothing_trained
from blockspace.searching.interrupt import StopRequest
from blockspace.searching.ledger import Ledger, Proposal
from blockspace.searching.plan import Plan
from blockspace.searching.record.optuna_adapter import CANDIDATE_FIELDS, OpenTrial, Teller, read_trial_record, read_trial_records
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.seeds import training_seed
from blockspace.searching.space.candidate import Candidate

POLL = 0.2  # seconds between looks at the stop request


class Loop:
    """The state between two events: who waits (`ready`), who trains (`flying`), what is known (`ledger`)."""

    def __init__(self, plan: Plan, study: optuna.Study, workers: Executor, request: StopRequest, exhausted: Callable[[], bool]):
        self.plan, self.study, self.workers, self.request, self.exhausted = plan, study, workers, request, exhausted
        self.teller = Teller(study, plan.objectives, SAMPLERS[plan.options.sampler])
        self.ledger = Ledger(plan, study, self.teller)
        self.guard = FailureGuard(plan.options.failures)
        self.ready: deque[Proposal] = deque()
        self.flying: dict[Handle, Proposal] = {}
        self.beats: dict[Handle, JobProgress] = {}  # as last told
        self.orphans: deque = deque()
        self.asked = 0

    def go(self) -> list[TrialRecord]:
        """Run to the end; the rows. However it ends, no training of it is left running: the workers may be shared."""
        try:
            return self.search()
        except (FailureError, InfeasibleError):
            self.plan.emit(SearchGivenUp(tuple(read_trial_records(self.study, self.plan.objectives))))
            raise
        finally:
            self.workers.cancel_all()

    def search(self) -> list[TrialRecord]:
        self.recall()
        while not self.finished():
            if self.request:
                self.stop()
            self.collect(0.0 if self.may_prepare() else POLL)
            self.start_ready()
            if self.may_prepare():
                self.prepare(self.next_trial())
                self.start_ready()
        return self.close()

    def recall(self) -> None:
        """Read what earlier starts did. We hold the lock, so whatever is not finished belongs to a dead driver and is ours to continue."""
        before = []
        for trial in self.study.get_trials(deepcopy=False):
            self.asked += 1
            if trial.state.is_finished():
                before.append(read_trial_record(trial, self.plan.objectives))
                self.ledger.remember(before[-1])
            else:
                self.orphans.append(trial)
        trained = len(self.ledger.trained)
        self.plan.emit(SearchOpened(trained, self.asked, len(self.orphans), tuple(before)))

    # what to do next

    def running(self) -> list[Proposal]:
        return [*self.ready, *self.flying.values()]

    def finished(self) -> bool:
        idle = not (self.ready or self.flying or self.orphans)
        return idle and (len(self.ledger.trained) >= self.plan.options.trials or self.ended() is not None)

    def ended(self) -> str | None:
        """Why no further network can be asked for, if so."""
        cap = self.plan.options.proposals * self.plan.options.trials
        if self.exhausted():
            return "the space is exhausted"
        return f"{self.asked} proposals gave no more new networks within the budget" if self.asked >= cap else None

    def may_prepare(self) -> bool:
        """Ask only when a worker is free to take it, so that the sampler knows all that is finished; when measuring, one ahead."""
        wanted = self.workers.free + (self.plan.measure is not None)
        if len(self.ready) >= wanted or self.request:
            return False
        missing = self.plan.options.trials - len(self.ledger.trained) - len(self.running())
        return bool(self.orphans) or (missing > 0 and self.ended() is None)

    def next_trial(self) -> OpenTrial:
        """An orphan under its old number, else a new trial: one that is to be tried first, or one with the balanced choices fixed."""
        if self.orphans:
            orphan = self.orphans.popleft()
            trial = self.study.ask() if orphan.state == TrialState.WAITING else Trial(self.study, orphan._trial_id)
            return OpenTrial.continued(trial, orphan)
        chosen = [*(done.families for done in self.ledger.trained), *(p.candidate.families for p in self.running())]
        fixed = self.first() or self.plan.balance.next(chosen)
        self.asked += 1
        if fixed:
            self.study.enqueue_trial(fixed)
        return OpenTrial(self.study.ask())

    def first(self) -> dict | None:
        """The assignment that the study gives for the next number: the first ones are its own."""
        return self.plan.first[self.asked] if self.asked < len(self.plan.first) else None

    # from a trial to a task

    def prepare(self, trial: OpenTrial) -> None:
        """Propose, and finish at once what need not be trained; the rest becomes ready."""
        candidate = self.propose(trial)
        if candidate is None or self.known(trial, candidate) or self.over(trial, candidate, {}):
            return
        measured = self.measured(trial, candidate)
        if measured is None or self.over(trial, candidate, measured):
            return
        proposal = Proposal(trial, candidate, measured, self.task(trial, candidate))
        if "retried" in trial.attributes:
            self.change(proposal, *trial.attributes["retried"])
        result = adopt_result(proposal.task.folder, candidate.key, proposal.task.seed) or self.taken(proposal)
        if result is None:
            self.ready.append(proposal)
            return
        self.plan.emit(ResultAdopted(trial.number, candidate.label))
        self.settle(proposal, result)

    def taken(self, proposal: Proposal) -> Result | None:
        """The same training's result in another run; one that is changed is no training of theirs."""
        return None if proposal.retried else self.plan.earlier.take(proposal.task)

    def propose(self, trial: OpenTrial) -> Candidate | None:
        """The trial's candidate; None after a combination that the space itself refuses."""
        assignment = self.plan.space.suggest(trial.trial)
        try:
            candidate = self.plan.space.propose(assignment)
        except BlockspaceError as reason:
            self.ledger.refuse(trial, {"invalid": 1.0}, str(reason).splitlines()[0])
            return None
        self.plan.balance.check(candidate)
        self.same_as_before(trial, candidate)
        self.teller.annotate(trial, **{name: getattr(candidate, name) for name in CANDIDATE_FIELDS})
        self.plan.emit(TrialProposed(trial.number, candidate.label, candidate.families))
        return candidate

    def same_as_before(self, trial: OpenTrial, candidate: Candidate) -> None:
        """A continued trial must be the network it was."""
        before = trial.attributes.get("key", candidate.key)
        if before != candidate.key:
            message = f"trial {trial.number} was network {before} and is {candidate.key} now: the space or the code was changed"
            raise error("E-CHANGED", message, help="search in another `out` folder")

    def known(self, trial: OpenTrial, candidate: Candidate) -> bool:
        """Whether the network was seen: copy its outcome, or wait for it when it is not finished yet."""
        if candidate.key in self.ledger.seen:
            self.ledger.repeat(trial, self.ledger.seen[candidate.key])
            return True
        waits = any(candidate.key == other.candidate.key for other in self.running())
        if waits:
            self.ledger.followers.setdefault(candidate.key, []).append(trial)
        return waits

    def over(self, trial: OpenTrial, candidate: Candidate, measured: dict[str, float]) -> bool:
        """Whether a budget is missed, and then the trial's end."""
        violations = self.ledger.violations(candidate, measured)
        missed = [f"{name} {value:.1%} outside the budget" for name, value in violations.items() if value > 0]
        if missed:
            self.ledger.refuse(trial, violations, ", ".join(missed), key=candidate.key)
        return bool(missed)

    def measured(self, trial: OpenTrial, candidate: Candidate) -> dict[str, float] | None:
        """What was measured of the network, once: a continued trial reads it. None when measuring failed, and with it the trial."""
        if self.plan.measure is None or "measured" in trial.attributes:
            return trial.attributes.get("measured", {})
        try:
            measured = {name: float(value) for name, value in (self.plan.measure(candidate) or {}).items()}
            bad = [name for name, value in measured.items() if not math.isfinite(value)]
            if bad:
                raise ValueError(f"{bad[0]} is {measured[bad[0]]}")
        except Exception as reason:
            task = self.task(trial, candidate)
            self.settle(Proposal(trial, candidate, {}, task), failure_result(reason, task, 0.0), fresh=True)
            return None
        self.teller.annotate(trial, measured=measured)
        self.plan.emit(TrialMeasured(trial.number, candidate.label, measured))
        return measured

    def task(self, trial: OpenTrial, candidate: Candidate) -> Job:
        folder = str(RunDir(self.plan.folder).trial(trial.number))
        seed = training_seed(self.plan.options.seed, candidate.key)
        limits = TimeLimits(self.plan.options.timeout, self.plan.options.stall_s)
        return Job(folder, candidate.arch, seed, candidate.key, self.plan.recipe, trial.number, candidate.label, limits)

    # from a task to a row

    def start_ready(self) -> None:
        while self.ready and self.workers.free > 0 and not self.request:
            proposal = self.ready.popleft()
            folder = Path(proposal.task.folder)
            clear(folder)
            proposal.attempts += 1
            handle = self.workers.submit(self.plan.evaluate, proposal.task)
            self.flying[handle] = proposal
            self.plan.emit(TrainingStarted(proposal.trial.number, proposal.candidate.label, str(folder)))

    def collect(self, timeout: float) -> None:
        """Take the tasks that have ended, and tell how far the others are."""
        for handle, result, lost in self.workers.wait(timeout):
            proposal = self.flying.pop(handle)
            self.beats.pop(handle, None)
            if lost and proposal.attempts < 2:  # it died of another's cause: once more
                self.ready.appendleft(proposal)
            elif result is not None:
                self.settle(proposal, result, fresh=True)
            else:
                self.plan.emit(TrainingRequeued(proposal.trial.number, proposal.candidate.label))
        for handle, beat in self.workers.progress().items():
            if beat != self.beats.get(handle):
                self.beats[handle] = beat
                self.plan.emit(TrainingProgressed(self.flying[handle].trial.number, **vars(beat)))

    def settle(self, proposal: Proposal, result: Result, fresh: bool = False) -> None:
        """Enter an outcome, unless it is to be tried again; `fresh` when it ended now, which is what the failure limits count."""
        more = self.plan.again(proposal.task, result) if self.plan.again and not proposal.retried else None
        if more and not result.trained:
            self.teller.annotate(proposal.trial, retried=list(more))
            self.change(proposal, *more)
            self.ready.appendleft(proposal)
            self.plan.emit(TrainingRetried(proposal.trial.number, proposal.candidate.label, proposal.retried))
            return
        self.ledger.finish(proposal, result)
        if fresh:
            self.guard.note(result, proposal.trial.number)

    def change(self, proposal: Proposal, options: dict, reason: str) -> None:
        """Give a proposal other options than the study's, and say why."""
        proposal.task = replace(proposal.task, options=proposal.task.options | options)
        proposal.retried = reason

    # the end

    def stop(self) -> None:
        """Stop the running trials and raise Interrupted. They stay unfinished in the storage: the next start continues them."""
        self.plan.emit(StopRequested(len(self.flying), self.request.grace is None))
        for handle in self.flying:
            self.workers.cancel(handle, self.request.grace)
        while self.flying:
            self.collect(POLL)
        table = read_trial_records(self.study, self.plan.objectives)
        self.plan.emit(SearchGivenUp(tuple(table)))
        raise self.request.interrupted(table)

    def close(self) -> list[TrialRecord]:
        """The rows. Raises InfeasibleError or FailureError when no network was trained at all."""
        table = read_trial_records(self.study, self.plan.objectives)
        if not self.ledger.trained:
            raise nothing_trained(table)
        saved = count_saved_trainings(table)
        self.plan.emit(SearchEnded(len(self.ledger.trained), len(table), saved, self.ended() or ""))
        return table


def clear(folder: Path) -> None:
    """Make the trial's folder, without what a dead training of it left unfinished. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULT).unlink(missing_ok=True)
    except OSError as reason:
        raise error("E-IO", f"{folder} cannot be written: {reason.strerror}", cls=StorageError) from reason
    sweep_temporaries(folder)
