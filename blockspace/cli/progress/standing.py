"""Where a study stands: what its events have said so far, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from blockspace.executors import JobProgress
from blockspace.records import TrialRecord, count_saved_trainings, pareto_front

ENDS = ("duplicate", "over_budget", "trained", "diverged", "timeout", "hung", "oom", "failed")  # in the order of their display
ENOUGH = 0.5  # of a training must be done before its pace says anything


@dataclass
class Training:
    """One that runs: a trial, or a finalist with one of its seeds."""

    number: int
    label: str
    started: float
    beat: JobProgress = field(default_factory=JobProgress)


@dataclass(frozen=True)
class Best:
    """A network of its family's front; `leads` when no network of any family dominates it."""

    family: str
    row: TrialRecord
    leads: bool


class Standing:
    """Hears events. A stage (`search`, `finals`, `exporting`) has `done` of `total`, of which `before` were done by an earlier start."""

    def __init__(self, clock: Callable[[], float] = monotonic):
        self.clock = clock
        self.study = ""
        self.per: str | None = None
        self.objectives: dict[str, str] = {}
        self.budgets: list[str] = []
        self.stage, self.done, self.total, self.before = "starting", 0, 0, 0
        self.since: float | None = None  # when this stage's first training began
        self.proposed = 0
        self.rows: list[TrialRecord] = []
        self.running: dict[int, Training] = {}
        self.stopping: dict | None = None
        self.ranking: list[Best] = []

    def hear(self, kind: str, data: dict) -> None:
        """Take one event; kinds that say nothing of where the study stands are passed over."""
        handler = getattr(self, f"on_{kind}", None)
        if handler is not None:
            handler(data)

    # events

    def on_asked(self, data: dict) -> None:
        self.study, self.per, self.total = data["study"], data["per"], data["trials"]
        self.objectives, self.budgets = data["objectives"], data["budgets"]

    def on_opened(self, data: dict) -> None:
        self.stage, self.done, self.before = "search", data["trained"], data["trained"]
        self.proposed, self.rows = data["proposals"], list(data["rows"])
        self.rank()

    def on_proposed(self, data: dict) -> None:
        self.proposed = max(self.proposed, data["number"] + 1)

    def on_started(self, data: dict) -> None:
        self.since = self.since if self.since is not None else self.clock()
        self.running[data["number"]] = Training(data["number"], data.get("label", ""), self.clock())

    def on_beat(self, data: dict) -> None:
        if data["number"] in self.running:
            self.running[data["number"]].beat = data["beat"]

    def on_requeued(self, data: dict) -> None:
        self.running.pop(data["number"], None)

    on_retried = on_requeued

    def on_finished(self, data: dict) -> None:
        self.running.pop(data["number"], None)
        if self.stage == "finals":
            self.done += 1
            return
        self.done = data["trained"]
        self.before += bool(data["row"].reused)  # it took no time, and says nothing of the pace
        self.enter(data["row"])

    def on_duplicate(self, data: dict) -> None:
        self.enter(data["row"])

    on_over_budget = on_duplicate

    def on_finals(self, data: dict) -> None:
        self.begin("finals", data["trainings"])

    def on_adopted(self, _data: dict) -> None:
        if self.stage == "finals":
            self.done, self.before = self.done + 1, self.before + 1

    def on_exporting(self, data: dict) -> None:
        self.begin("exporting", data["networks"])
        self.since = self.clock()

    def on_exported(self, _data: dict) -> None:
        self.done += 1

    def on_stopping(self, data: dict) -> None:
        self.stopping = data

    def begin(self, stage: str, total: int) -> None:
        self.stage, self.done, self.before, self.total, self.since = stage, 0, 0, total, None
        self.running.clear()

    def enter(self, row: TrialRecord) -> None:
        self.rows.append(row)
        self.proposed = max(self.proposed, row.number + 1)
        if row.is_feasible:
            self.rank()

    # what can be said of them

    def rank(self) -> None:
        """Each family's front, the best by the first objective first."""
        if not self.objectives:
            return
        name, direction = next(iter(self.objectives.items()))
        families: dict[str, list[TrialRecord]] = {}
        for row in self.rows:
            families.setdefault(self.family(row), []).append(row)
        leaders = {row.number for row in pareto_front(self.rows, self.objectives)}
        sign = -1 if direction == "maximize" else 1
        self.ranking = [
            Best(family, row, row.number in leaders)
            for family in sorted(families)
            for row in sorted(pareto_front(families[family], self.objectives), key=lambda row: sign * row.values[name])
        ]

    def family(self, row: TrialRecord) -> str:
        """The choice by which the study compares; where it compares none, its own name."""
        return row.family(self.per, "" if self.per else self.study)

    def counts(self) -> dict[str, int]:
        """How many proposals are in which state, in the order of their display."""
        found = Counter(row.state.value for row in self.rows)
        running = len(self.running) if self.stage == "search" else 0
        return {"proposed": self.proposed, **{state: found[state] for state in ENDS}, "running": running} | self.reused()

    def reused(self) -> dict[str, int]:
        """How many of the trained were trained by another run, where there are any."""
        count = count_saved_trainings(self.rows)["reused"]
        return {"reused": count} if count else {}

    def share(self) -> float:
        """How many trainings' worth of work this start has done in this stage."""
        return self.done - self.before + sum(training.beat.share for training in self.running.values())

    def left(self) -> float | None:
        """Seconds left in this stage at the pace measured so far, by all workers together; None while there is none."""
        share = self.share()
        if self.since is None or share < ENOUGH or self.done >= self.total:
            return None
        return (self.clock() - self.since) / share * max(0.0, self.total - self.before - share)
