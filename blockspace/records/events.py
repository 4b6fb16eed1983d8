"""Events of a run: what listeners are told while it goes on, and what `events.jsonl` keeps (see `event_log`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

from blockspace.records.trial import TrialRecord, TrialState

NOT_WRITTEN = {"written": False}  # metadata of fields that listeners get and the file does not
UNLESS_FIRST = {"unless": 0}  # of the number of a search: what studies of one search write stays as it was


@dataclass(frozen=True)
class Event:
    """Something that happened in a run. `kind` is its word in `events.jsonl` and `log.txt`."""

    kind: ClassVar[str]
    is_logged: ClassVar[bool] = True
    logged_fields: ClassVar[tuple[str, ...]] = ("number", "label", "state", "reason", "trained")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that are written, as JSON-able data."""
        written = [f for f in fields(self) if f.metadata.get("written", True)]
        values = {f.name: getattr(self, f.name) for f in written}
        for f in written:
            if "unless" in f.metadata and values[f.name] == f.metadata["unless"]:
                del values[f.name]
        return {name: value.as_dict() if isinstance(value, TrialRecord) else value for name, value in values.items()}

    def description(self) -> str:
        """Return the event in words, for `log.txt`."""
        words = [str(value) for name in self.logged_fields if (value := getattr(self, name, None)) not in (None, "")]
        repeat = getattr(self, "repeat", 0)
        return " ".join([*words, *([f"search {repeat + 1}"] if repeat else [])])


@dataclass(frozen=True)
class StudyStarted(Event):
    """A study was read and its data checked.

    `trials` are of each of its `repeats` searches, `per` is the search parameter by which it compares, `command` what starts it again.
    """

    kind = "asked"
    study: str
    trials: int
    objectives: dict[str, str]
    per: str | None = None
    budgets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    command: str = ""
    repeats: int = field(default=1, metadata={"unless": 1})
    cpu: float = 0.0  # seconds of CPU time of the driver so far


@dataclass(frozen=True)
class DataChecked(Event):
    """A line about the data."""

    kind = "data"
    label: str


@dataclass(frozen=True)
class ReusePlanned(Event):
    """A line about another run whose results may be taken over."""

    kind = "reuse"
    label: str


@dataclass(frozen=True)
class SearchOpened(Event):
    """A search begins: `trained` networks and `proposals` of it in the storage, by earlier starts, `continued` of them unfinished.

    `repeat` is the number of the search, from 0.
    """

    kind = "opened"
    trained: int = 0
    proposals: int = 0
    continued: int = 0
    records: tuple[TrialRecord, ...] = field(default=(), metadata=NOT_WRITTEN)
    repeat: int = field(default=0, metadata=UNLESS_FIRST)


@dataclass(frozen=True)
class TrialProposed(Event):
    """The sampler proposed a network that the space accepts."""

    kind = "proposed"
    number: int
    label: str = ""
    families: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialMeasured(Event):
    """A network was measured; the latency is a ratio to the baseline's."""

    kind = "measured"
    number: int
    label: str
    measured: dict[str, float]


@dataclass(frozen=True)
class ResultAdopted(Event):
    """A training's result was found on disk instead of being trained again."""

    kind = "adopted"
    number: int
    label: str = ""


@dataclass(frozen=True)
class TrainingStarted(Event):
    """A training was given to a worker; its log is in `folder`."""

    kind = "started"
    number: int
    label: str = ""
    folder: str = field(default="", metadata=NOT_WRITTEN)


@dataclass(frozen=True)
class TrainingProgressed(Event):
    """A training made `steps` steps and `epoch` of `epochs` epochs (0: unknown), the last one with this loss (nats) and this metric.

    The metric is the training's first one, for classification the validation accuracy in 0..1.
    """

    kind = "beat"
    is_logged = False
    number: int
    steps: int = 0
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    metric: float | None = None

    @property
    def share(self) -> float:
        """Return how much of the training is done, 0..1."""
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0


@dataclass(frozen=True)
class TrainingRequeued(Event):
    """A training ended without a result, for a reason outside of it; it waits for a worker again."""

    kind = "requeued"
    number: int
    label: str = ""


@dataclass(frozen=True)
class TrainingRetried(Event):
    """A training failed and is done once more in another way: `reason`."""

    kind = "retried"
    number: int
    label: str
    reason: str


@dataclass(frozen=True)
class RecordEvent(Event):
    """A trial has ended."""

    record: TrialRecord

    @property
    def number(self) -> int:
        """Return the trial's number."""
        return self.record.number

    @property
    def label(self) -> str:
        """Return the trial's label."""
        return self.record.label

    @property
    def reason(self) -> str:
        """Return why it has no result, or one that is not comparable."""
        return self.record.reason


@dataclass(frozen=True)
class TrialFinished(RecordEvent):
    """A trial's training has ended; `trained` networks of the study are trained now."""

    kind = "finished"
    trained: int

    @property
    def state(self) -> TrialState:
        """Return how the training ended."""
        return self.record.state


@dataclass(frozen=True)
class TrialDuplicated(RecordEvent):
    """A trial is a network seen before, whose result was copied."""

    kind = "duplicate"


@dataclass(frozen=True)
class TrialRefused(RecordEvent):
    """A trial is outside a budget, or not in the space."""

    kind = "over_budget"


@dataclass(frozen=True)
class ResourcesSpent(Event):
    """A process that worked for the study has ended after `cpu` seconds of CPU time, its own children included.

    `what` is `training`, `measuring` (then `seconds` of wall time are noted too) or `driver`, which notes no process, only itself: the
    `driver` has used so much CPU time since it was started.
    """

    kind = "spent"
    what: str
    cpu: float = 0.0
    seconds: float = 0.0
    driver: float = 0.0

    def description(self) -> str:
        """Return what was spent, for `log.txt`."""
        return f"{self.what} {self.cpu:.2f} s of CPU time, driver {self.driver:.2f} s"


@dataclass(frozen=True)
class SearchGivenUp(Event):
    """The search ends before its number of trials: stopped, or failed. `records` are its own."""

    kind = "given_up"
    records: tuple[TrialRecord, ...] = field(default=(), metadata=NOT_WRITTEN)
    repeat: int = field(default=0, metadata=UNLESS_FIRST)


@dataclass(frozen=True)
class SearchEnded(Event):
    """The search has `trained` networks. `saved` trainings were not needed; `reason` says why there are fewer than asked for."""

    kind = "ended"
    trained: int
    proposals: int
    saved: dict[str, int]
    reason: str = ""
    repeat: int = field(default=0, metadata=UNLESS_FIRST)


@dataclass(frozen=True)
class StopRequested(Event):
    """A signal came: `running` trainings are told to stop, when `patient` at the end of their epoch."""

    kind = "stopping"
    running: int
    patient: bool = True


@dataclass(frozen=True)
class TuningStarted(Event):
    """Recipes are tried on default networks."""

    kind = "tuning"
    recipes: int
    networks: int
    trainings: int


@dataclass(frozen=True)
class RecipeTried(Event):
    """A training of a default network with a recipe has ended, after `seconds`."""

    kind = "tried"
    number: int
    label: str
    state: TrialState
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class RecipeTuned(Event):
    """A recipe was chosen, now or by an earlier start: which, in words."""

    kind = "tuned"
    label: str


@dataclass(frozen=True)
class RandomNetworkMeasured(Event):
    """A network that was drawn at random for the finals was measured; the latency is a ratio to the baseline's."""

    kind = "drawn"
    label: str
    measured: dict[str, float]


@dataclass(frozen=True)
class RetrainingStarted(Event):
    """The finalists of a search are trained anew, those of the first together with the baseline."""

    kind = "finals"
    networks: int
    trainings: int
    repeat: int = field(default=0, metadata=UNLESS_FIRST)


@dataclass(frozen=True)
class FinalistTrained(Event):
    """A finalist's training with one of its seeds has ended, after `seconds`."""

    kind = "retrained"
    number: int
    label: str
    state: TrialState
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class ExportStarted(Event):
    """The finalists are exported."""

    kind = "exporting"
    networks: int


@dataclass(frozen=True)
class NetworkExported(Event):
    """A finalist was exported."""

    kind = "exported"
    label: str


@dataclass(frozen=True)
class StudyFinished(Event):
    """The study has its answer."""

    kind = "done"


@dataclass(frozen=True)
class StudyStopped(Event):
    """The study was stopped by a signal."""

    kind = "stopped"


@dataclass(frozen=True)
class StudyFailed(Event):
    """The study ended with an error."""

    kind = "failed"
    reason: str = ""


@dataclass(frozen=True)
class StudyRefused(Event):
    """A start was refused because the run directory is another's; nothing in it was changed."""

    kind = "refused"
    reason: str = ""


@dataclass(frozen=True)
class Warned(Event):
    """Something did not work that the study can do without."""

    kind = "warning"
    reason: str


@dataclass(frozen=True)
class NetworkTrainingStarted(Event):
    """A network is trained by itself."""

    kind = "training"
    epochs: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EpochEnded(Event):
    """An epoch of a network trained by itself, counted from 1; `metrics` are the task's on the validation split: `val_acc`, `val_loss`."""

    kind = "epoch"
    epoch: int
    epochs: int
    loss: float
    metrics: dict[str, float]
    lr: float
    seconds: float

    def description(self) -> str:
        """Return every field as `name=value`."""
        values = {"epoch": self.epoch, "epochs": self.epochs, "loss": self.loss, **self.metrics, "lr": self.lr, "seconds": self.seconds}
        return " ".join(f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items())


@dataclass(frozen=True)
class TrainingFound(Event):
    """The folder holds this training already, finished."""

    kind = "found"
    folder: str = field(default="", metadata=NOT_WRITTEN)


Listener: TypeAlias = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """Do nothing: the listener where there is none."""


def event_types() -> dict[str, type[Event]]:
    """Return every kind of event with its class."""
    classes = [*Event.__subclasses__(), *RecordEvent.__subclasses__()]
    return {cls.kind: cls for cls in classes if cls is not RecordEvent}
