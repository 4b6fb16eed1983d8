"""Keep the state of a running study, as plain data updated by its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from blockspace.records import (
    Event,
    ExportStarted,
    FinalistTrained,
    NetworkExported,
    RecipeTried,
    ResultAdopted,
    RetrainingStarted,
    SearchOpened,
    StopRequested,
    StudyStarted,
    TrainingProgressed,
    TrainingRequeued,
    TrainingRetried,
    TrainingStarted,
    TrialDuplicated,
    TrialFinished,
    TrialProposed,
    TrialRecord,
    TrialRefused,
    TuningStarted,
    count_saved_trainings,
    pareto_front,
)

ENDS = ("duplicate", "over_budget", "trained", "diverged", "timeout", "hung", "oom", "failed")  # in the order of their display
ENOUGH = 0.5  # of a training must be done before its pace says anything


@dataclass
class RunningTraining:
    """A training under way: of a trial, or of a finalist with one of its seeds."""

    number: int
    label: str
    started: float
    progress: TrainingProgressed


@dataclass(frozen=True)
class FrontEntry:
    """A network of its family's front; `leads` when no network of any family dominates it."""

    family: str
    row: TrialRecord
    leads: bool


class ProgressState:
    """The state so far. A stage (`search`, `finals`, `exporting`) has `done` of `total`, `before` of them done by an earlier start."""

    def __init__(self, clock: Callable[[], float] = monotonic):
        self.clock = clock
        self.study = ""
        self.per: str | None = None
        self.objectives: dict[str, str] = {}
        self.budgets: list[str] = []
        self.stage, self.done, self.total, self.before = "starting", 0, 0, 0
        self.trials, self.repeat, self.repeats = 0, 0, 1
        self.since: float | None = None  # when this stage's first training began
        self.proposed = 0
        self.rows: list[TrialRecord] = []
        self.running: dict[int, RunningTraining] = {}
        self.stopping: StopRequested | None = None
        self.ranking: list[FrontEntry] = []

    def update(self, event: Event) -> None:
        """Update the state with one event; events that do not concern it are ignored."""
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    # events

    def on_study_started(self, event: StudyStarted) -> None:
        """Keep the study's name, its numbers of trials and searches, and what they are compared by."""
        self.study, self.per, self.total = event.study, event.per, event.trials
        self.trials, self.repeats = event.trials, event.repeats
        self.objectives, self.budgets = event.objectives, list(event.budgets)

    def on_search_opened(self, event: SearchOpened) -> None:
        """Continue the display with the trials of a search that are in the storage, beside those of the searches before it."""
        self.begin("search", self.trials)
        self.repeat, self.done, self.before = event.repeat, event.trained, event.trained
        earlier = [row for row in self.rows if row.repeat < event.repeat]
        self.proposed, self.rows = len(earlier) + event.proposals, [*earlier, *event.records]
        self.rank()

    def on_proposed(self, event: TrialProposed) -> None:
        """Count the proposal."""
        self.proposed = max(self.proposed, event.number + 1)

    def on_training_started(self, event: TrainingStarted) -> None:
        """Add a running training; the first starts the clock of the stage."""
        self.since = self.since if self.since is not None else self.clock()
        self.running[event.number] = RunningTraining(event.number, event.label, self.clock(), TrainingProgressed(event.number))

    def on_progressed(self, event: TrainingProgressed) -> None:
        """Keep the latest progress of a running training."""
        if event.number in self.running:
            self.running[event.number].progress = event

    def on_requeued(self, event: TrainingRequeued | TrainingRetried) -> None:
        """Remove a training that will be started again."""
        self.running.pop(event.number, None)

    def on_finished(self, event: TrialFinished) -> None:
        """Add a finished trial to the records, and to the ranking if it is feasible."""
        self.running.pop(event.number, None)
        self.done = event.trained
        self.before += bool(event.record.reused)  # it took no time, and says nothing of the pace
        self.enter(event.record)

    def on_finalist_trained(self, event: FinalistTrained | RecipeTried) -> None:
        """Count a retrained finalist, or a recipe that was tried."""
        self.running.pop(event.number, None)
        self.done += 1

    def on_not_trained(self, event: TrialDuplicated | TrialRefused) -> None:
        """Add a trial that needs no training."""
        self.enter(event.record)

    def on_tuning(self, event: TuningStarted) -> None:
        """Begin the stage in which recipes are tried."""
        self.begin("tuning", event.trainings)

    def on_retraining(self, event: RetrainingStarted) -> None:
        """Begin the stage of the finalists."""
        self.begin("finals", event.trainings)

    def on_adopted(self, event: ResultAdopted) -> None:
        """Count a result of an earlier start, a finalist's or a recipe's."""
        if self.stage in ("tuning", "finals"):
            self.done, self.before = self.done + 1, self.before + 1

    def on_export_started(self, event: ExportStarted) -> None:
        """Begin the stage of the exports."""
        self.begin("exporting", event.networks)
        self.since = self.clock()

    def on_exported(self, event: NetworkExported) -> None:
        """Count an exported network."""
        self.done += 1

    def on_stopping(self, event: StopRequested) -> None:
        """Keep the request to stop, which the display explains."""
        self.stopping = event

    def begin(self, stage: str, total: int) -> None:
        """Begin a stage of `total` steps; nothing is running."""
        self.stage, self.done, self.before, self.total, self.since = stage, 0, 0, total, None
        self.running.clear()

    def enter(self, row: TrialRecord) -> None:
        """Add a record, and rank the feasible ones."""
        self.rows.append(row)
        self.proposed = max(self.proposed, row.number + 1)
        if row.is_feasible:
            self.rank()

    # what can be said of them

    def rank(self) -> None:
        """Rank each family's front, the best by the first objective first."""
        if not self.objectives:
            return
        name, direction = next(iter(self.objectives.items()))
        families: dict[str, list[TrialRecord]] = {}
        for row in self.rows:
            families.setdefault(self.family(row), []).append(row)
        leaders = {row.number for row in pareto_front(self.rows, self.objectives)}
        sign = -1 if direction == "maximize" else 1
        self.ranking = [
            FrontEntry(family, row, row.number in leaders)
            for family in sorted(families)
            for row in sorted(pareto_front(families[family], self.objectives), key=lambda row: sign * row.values[name])
        ]

    def family(self, row: TrialRecord) -> str:
        """Return the choice by which the study compares; where it compares none, the study's name."""
        return row.family(self.per, "" if self.per else self.study)

    def counts(self) -> dict[str, int]:
        """Return the number of proposals in each state, in the order of their display."""
        found = Counter(row.state.value for row in self.rows)
        running = len(self.running) if self.stage == "search" else 0
        return {"proposed": self.proposed, **{state: found[state] for state in ENDS}, "running": running} | self.reused()

    def reused(self) -> dict[str, int]:
        """Return the number of trainings taken over from another run; {} for none."""
        count = count_saved_trainings(self.rows)["reused"]
        return {"reused": count} if count else {}

    @property
    def stage_name(self) -> str:
        """Return the stage, of a study of several searches with the number of the one it belongs to: `search 2 of 5,`."""
        several = self.repeats > 1 and self.stage in ("search", "finals")
        return f"{self.stage} {self.repeat + 1} of {self.repeats}," if several else self.stage

    def share(self) -> float:
        """Return the number of trainings this start has done in this stage, parts of running ones included."""
        return self.done - self.before + sum(training.progress.share for training in self.running.values())

    def left(self) -> float | None:
        """Return the seconds left in this stage at the pace measured so far by all workers together; None before there is one."""
        share = self.share()
        if self.since is None or share < ENOUGH or self.done >= self.total:
            return None
        return (self.clock() - self.since) / share * max(0.0, self.total - self.before - share)


HANDLERS: dict[type[Event], Callable[[ProgressState, Any], None]] = {
    StudyStarted: ProgressState.on_study_started,
    SearchOpened: ProgressState.on_search_opened,
    TrialProposed: ProgressState.on_proposed,
    TrainingStarted: ProgressState.on_training_started,
    TrainingProgressed: ProgressState.on_progressed,
    TrainingRequeued: ProgressState.on_requeued,
    TrainingRetried: ProgressState.on_requeued,
    TrialFinished: ProgressState.on_finished,
    TrialDuplicated: ProgressState.on_not_trained,
    TrialRefused: ProgressState.on_not_trained,
    FinalistTrained: ProgressState.on_finalist_trained,
    RecipeTried: ProgressState.on_finalist_trained,
    TuningStarted: ProgressState.on_tuning,
    RetrainingStarted: ProgressState.on_retraining,
    ResultAdopted: ProgressState.on_adopted,
    ExportStarted: ProgressState.on_export_started,
    NetworkExported: ProgressState.on_exported,
    StopRequested: ProgressState.on_stopping,
}
