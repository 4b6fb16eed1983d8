"""The search: propose, refuse what is known or over budget, train the rest in workers, tell the sampler; resume exactly.

Only this loop touches the storage. Workers get an architecture and a seed; what they did is in their result file before it is in the
database, so a kill at any point loses at most the trainings that were running, and those are repeated with the same seed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from blockspace.errors import BlockspaceError, StorageError, error
from blockspace.files import sweep
from blockspace.search.balance import Balance
from blockspace.search.candidate import Candidate, Space
from blockspace.search.child import failure
from blockspace.search.failures import FailureGuard, nothing_trained
from blockspace.search.interrupt import StopRequest, stoppable
from blockspace.search.lock import StudyLock
from blockspace.search.options import SearchOptions
from blockspace.search.result import NAME as RESULT
from blockspace.search.result import Result, adopt
from blockspace.search.row import FACTS, Row, row, rows, trial_folder
from blockspace.search.samplers import sampler
from blockspace.search.seeds import training_seed
from blockspace.search.storage import opened_study
from blockspace.search.task import Evaluate, Task
from blockspace.search.telling import OpenTrial, Teller, outside
from blockspace.search.workers import PRELOAD, Handle, Workers

Event = Callable[[str, dict[str, Any]], None]
Measure = Callable[[Candidate], dict[str, float] | None]
Limits = dict[str, tuple[float | None, float | None]]
POLL = 0.2  # seconds between looks at the stop request


def run(
    study_name: str,
    folder: str | Path,
    space: Space,
    evaluate: Evaluate,
    objectives: dict[str, str],
    options: SearchOptions,
    measure: Measure | None = None,
    limits: Limits | None = None,
    digest: dict[str, Any] | None = None,
    recipe: dict[str, Any] | None = None,
    on_event: Event | None = None,
    stop: Callable[[], bool] | None = None,
    workers: Workers | None = None,
    lock: StudyLock | None = None,
) -> list[Row]:
    """Search until `options.trials` distinct networks are trained, in all starts together; every proposal's row, by number.

    `objectives` maps names (of metrics, measured values or costs) to `maximize` or `minimize`. `measure` is called here, in the driver,
    at most once per network, while workers train; `limits` are the (low, high) budgets on what it returns. `digest` is the resolved
    study as plain data: with another one the folder is refused. `recipe` reaches every task as its `options`. `on_event(kind, data)`
    hears of progress. Pass `workers` to keep them for what follows (their number then holds), and a `lock` that is already held.

    Raises StorageError (locked, damaged, full), BlockspaceError (changed study), FailureError, InfeasibleError, and Interrupted
    after Ctrl-C, SIGTERM or `stop()` returning true: unfinished trials stay, and the next start continues them under their numbers.
    """
    folder = Path(folder).absolute()
    limits, measured = dict(limits or {}), measure is not None
    asked = {"sampler": options.sampler, "seed": options.seed, "per_choice": options.per_choice}
    digest = {**(digest or {}), "objectives": objectives, "limits": limits, "measured": measured, "search": asked}
    draw = sampler(options.sampler, options.seed)
    with ExitStack() as stack:
        if lock is None:
            stack.enter_context(StudyLock(folder))
        sweep(folder)
        study = stack.enter_context(opened_study(folder, study_name, objectives, draw, digest, options.trials))
        balance = Balance(space, options.per_choice, options.trials)
        request = stack.enter_context(stoppable(stop))
        if workers is None:
            workers = stack.enter_context(Workers(options.worker_count(), PRELOAD))
        plan = Plan(folder, space, evaluate, objectives, options, measure, limits, recipe or {}, on_event or ignore, balance)
        return Loop(plan, study, workers, request, lambda: draw.exhausted).go()


def ignore(_kind: str, _data: dict) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Plan:
    """What is searched and how: all that stays the same while the loop runs."""

    folder: Path
    space: Space
    evaluate: Evaluate
    objectives: dict[str, str]
    options: SearchOptions
    measure: Measure | None
    limits: Limits
    recipe: dict[str, Any]
    emit: Event
    balance: Balance


@dataclass
class Proposal:
    """A candidate that waits for a worker or is in one."""

    trial: OpenTrial
    candidate: Candidate
    measured: dict[str, float]
    task: Task
    attempts: int = 0


class Loop:
    """The state between two events: who waits (`ready`), who trains (`flying`), what is known (`seen`)."""

    def __init__(self, plan: Plan, study: optuna.Study, workers: Workers, request: StopRequest, exhausted: Callable[[], bool]):
        self.plan, self.study, self.workers, self.request, self.exhausted = plan, study, workers, request, exhausted
        self.teller = Teller(study, plan.objectives, plan.options.sampler)
        self.guard = FailureGuard(plan.options.failures)
        self.ready: deque[Proposal] = deque()
        self.flying: dict[Handle, Proposal] = {}
        self.followers: dict[str, list[OpenTrial]] = {}  # duplicates of a network that is not finished yet, by key
        self.seen: dict[str, Row] = {}
        self.trained: list[Row] = []
        self.orphans: deque = deque()
        self.asked = 0

    def go(self) -> list[Row]:
        """Run to the end; the rows. However it ends, no training of it is left running: the workers may be shared."""
        try:
            return self.search()
        finally:
            self.workers.kill_all()

    def search(self) -> list[Row]:
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
        for trial in self.study.get_trials(deepcopy=False):
            self.asked += 1
            if trial.state.is_finished():
                self.remember(row(trial, self.plan.objectives))
            else:
                self.orphans.append(trial)
        self.emit("opened", trained=len(self.trained), proposals=self.asked, continued=len(self.orphans))

    def remember(self, done: Row) -> None:
        if done.status == "trained":
            self.trained.append(done)
        if done.key and done.duplicate_of is None:
            self.seen.setdefault(done.key, done)

    # what to do next

    def running(self) -> list[Proposal]:
        return [*self.ready, *self.flying.values()]

    def finished(self) -> bool:
        idle = not (self.ready or self.flying or self.orphans)
        return idle and (len(self.trained) >= self.plan.options.trials or self.ended() is not None)

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
        missing = self.plan.options.trials - len(self.trained) - len(self.running())
        return bool(self.orphans) or (missing > 0 and self.ended() is None)

    def next_trial(self) -> OpenTrial:
        """An orphan under its old number, else a new trial with the balanced choices fixed."""
        if self.orphans:
            orphan = self.orphans.popleft()
            trial = self.study.ask() if orphan.state == TrialState.WAITING else Trial(self.study, orphan._trial_id)
            return OpenTrial.continued(trial, orphan)
        self.asked += 1
        fixed = self.plan.balance.next([*(done.families for done in self.trained), *(p.candidate.families for p in self.running())])
        if fixed:
            self.study.enqueue_trial(fixed)
        return OpenTrial(self.study.ask())

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
        result = adopt(proposal.task.folder, candidate.key, proposal.task.seed)
        if result is None:
            self.ready.append(proposal)
            return
        self.emit("adopted", number=trial.number, label=candidate.label)
        self.finish(proposal, result)

    def propose(self, trial: OpenTrial) -> Candidate | None:
        """The trial's candidate; None after a combination that the space itself refuses."""
        assignment = self.plan.space.suggest(trial.trial)
        try:
            candidate = self.plan.space.propose(assignment)
        except BlockspaceError as reason:
            self.refuse(trial, {"invalid": 1.0}, str(reason).splitlines()[0])
            return None
        self.plan.balance.check(candidate)
        self.same_as_before(trial, candidate)
        self.teller.annotate(trial, **{name: getattr(candidate, name) for name in FACTS})
        self.emit("proposed", number=trial.number, label=candidate.label, families=candidate.families)
        return candidate

    def same_as_before(self, trial: OpenTrial, candidate: Candidate) -> None:
        """A continued trial must be the network it was."""
        before = trial.attributes.get("key", candidate.key)
        if before != candidate.key:
            message = f"trial {trial.number} was network {before} and is {candidate.key} now: the space or the code was changed"
            raise error("E-CHANGED", message, help="search in another `out` folder")

    def known(self, trial: OpenTrial, candidate: Candidate) -> bool:
        """Whether the network was seen: copy its outcome, or wait for it when it is not finished yet."""
        if candidate.key in self.seen:
            self.repeat(trial, self.seen[candidate.key])
            return True
        waits = any(candidate.key == other.candidate.key for other in self.running())
        if waits:
            self.followers.setdefault(candidate.key, []).append(trial)
        return waits

    def repeat(self, trial: OpenTrial, original: Row) -> None:
        self.teller.repeat(trial, original)
        self.emit("duplicate", number=trial.number, label=original.label, duplicate_of=original.number)

    def over(self, trial: OpenTrial, candidate: Candidate, measured: dict[str, float]) -> bool:
        """Whether a budget is missed, and then the trial's end."""
        violations = self.violations(candidate, measured)
        missed = [f"{name} {value:.1%} outside the budget" for name, value in violations.items() if value > 0]
        if missed:
            self.refuse(trial, violations, ", ".join(missed), key=candidate.key)
        return bool(missed)

    def violations(self, candidate: Candidate, measured: dict[str, float]) -> dict[str, float]:
        found = {name: outside(measured[name], *limits) for name, limits in self.plan.limits.items() if name in measured}
        return {**candidate.violations, **found}

    def refuse(self, trial: OpenTrial, violations: dict[str, float], reason: str, key: str = "") -> None:
        self.teller.tell(trial, "over_budget", violations, None, reason=reason, seconds=0.0)
        self.settle(trial.number, key)
        self.emit("over_budget", number=trial.number, reason=reason)

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
            self.finish(Proposal(trial, candidate, {}, task), failure(reason, task, 0.0), fresh=True)
            return None
        self.teller.annotate(trial, measured=measured)
        self.emit("measured", number=trial.number, label=candidate.label, measured=measured)
        return measured

    def task(self, trial: OpenTrial, candidate: Candidate) -> Task:
        folder = str(trial_folder(self.plan.folder, trial.number))
        seed = training_seed(self.plan.options.seed, candidate.key)
        return Task(folder, candidate.arch, seed, candidate.key, self.plan.recipe, trial.number)

    # from a task to a row

    def start_ready(self) -> None:
        while self.ready and self.workers.free > 0 and not self.request:
            proposal = self.ready.popleft()
            folder = Path(proposal.task.folder)
            clear(folder)
            proposal.attempts += 1
            handle = self.workers.submit(self.plan.evaluate, proposal.task, self.plan.options.timeout)
            self.flying[handle] = proposal
            self.emit("started", number=proposal.trial.number, label=proposal.candidate.label, folder=str(folder))

    def collect(self, timeout: float) -> None:
        """Take the tasks that have ended."""
        for handle in self.workers.wait(timeout):
            proposal = self.flying.pop(handle)
            if handle.lost and proposal.attempts < 2:  # it died of another's cause: once more
                self.ready.appendleft(proposal)
            elif handle.result is not None:
                self.finish(proposal, handle.result, fresh=True)
            else:
                self.emit("requeued", number=proposal.trial.number, label=proposal.candidate.label)

    def finish(self, proposal: Proposal, result: Result, fresh: bool = False) -> None:
        """Tell a training's outcome; `fresh` when it ended now, which is what the failure limits count."""
        result, values = self.judged(proposal, result)
        trial, candidate = proposal.trial, proposal.candidate
        violations = self.violations(candidate, proposal.measured)
        if result.state in ("trained", "diverged"):
            violations["diverged"] = float(result.state == "diverged")
        else:
            violations = {}  # told as FAIL, which is neither inside nor outside
        metrics = {name: value for name, value in result.metrics.items() if math.isfinite(value)}
        facts = {"metrics": metrics, "reason": result.reason, "seed": proposal.task.seed, "seconds": result.seconds}
        self.teller.tell(trial, result.state, violations, values, **facts)
        self.settle(trial.number, candidate.key)
        self.emit(
            "finished", number=trial.number, label=candidate.label, families=candidate.families, measured=proposal.measured,
            status=result.state, values=dict(zip(self.plan.objectives, values or [])), **facts, trained=len(self.trained),
        )  # fmt: skip
        if fresh:
            self.guard.note(result, trial.number)

    def judged(self, proposal: Proposal, result: Result) -> tuple[Result, list[float] | None]:
        """The result with its objectives' values; one without a finite value for each of them has not trained."""
        if not result.trained:
            return result, None
        known = {**proposal.candidate.costs, **proposal.measured, **result.metrics}
        missing = [name for name in self.plan.objectives if name not in known]
        if missing:
            reason = f"no value for the objective {missing[0]!r}; there are {', '.join(sorted(known))}"
            return replace(result, state="failed", reason=reason, signature=reason), None
        values = [float(known[name]) for name in self.plan.objectives]
        if not all(map(math.isfinite, values)):
            return replace(result, state="diverged", reason="a value that is not finite"), None
        return result, values

    def settle(self, number: int, key: str) -> None:
        """Remember a finished trial, and finish the duplicates that waited for it."""
        done = row(self.study.get_trials(deepcopy=False)[number], self.plan.objectives)
        self.remember(done)
        for follower in self.followers.pop(key, []):
            self.repeat(follower, done)

    # the end

    def stop(self) -> None:
        """Stop the running trials and raise Interrupted. They stay unfinished in the storage: the next start continues them."""
        self.emit("stopping", running=len(self.flying))
        for handle in self.flying:
            self.workers.cancel(handle)
        while self.flying:
            self.collect(POLL)
        raise self.request.interrupted(rows(self.study, self.plan.objectives))

    def close(self) -> list[Row]:
        """The rows. Raises InfeasibleError or FailureError when no network was trained at all."""
        table = rows(self.study, self.plan.objectives)
        if not self.trained:
            raise nothing_trained(table)
        self.emit("ended", trained=len(self.trained), proposals=len(table), reason=self.ended() or "")
        return table

    def emit(self, kind: str, **data) -> None:
        self.plan.emit(kind, data)


def clear(folder: Path) -> None:
    """Make the trial's folder, without what a dead training of it left unfinished. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RESULT).unlink(missing_ok=True)
    except OSError as reason:
        raise error("E-IO", f"{folder} cannot be written: {reason.strerror}", cls=StorageError) from reason
    sweep(folder)
