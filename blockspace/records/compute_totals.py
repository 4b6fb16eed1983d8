"""What a study has taken: wall and CPU time of all its starts, trainings by state, epochs, measurements. By its events and records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from blockspace.formatting import count_noun, format_duration
from blockspace.records.events import Event, ResourcesSpent, StudyRefused, StudyStarted
from blockspace.records.trial import TrialState

TimedEvent = tuple[str, Event]  # local time, ISO 8601


@dataclass(frozen=True)
class TrainingTotal:
    """How many trainings of a stage (`tuning`, `search` or `finals`) ended in a state, and the seconds that they took together."""

    stage: str
    state: str
    count: int
    seconds: float


@dataclass(frozen=True)
class ComputeTotals:
    """What a study has taken so far, in all its starts.

    `wall` are the seconds from the beginning to the last event of each start, which a kill loses nothing of but the time since that event.
    `cpu` are the seconds of CPU time of the driver and of every worker, trainings included that were stopped; None for a run of a version
    that did not record them. `epochs` are those of the trainings that came to their end, `measured` and `measuring` the number of measured
    latencies and the seconds that they took.
    """

    starts: int
    wall: float
    cpu: float | None
    trainings: tuple[TrainingTotal, ...]
    epochs: int
    measured: int
    measuring: float

    def lines(self) -> dict[str, str]:
        """Return the totals in words, by titles."""
        found = {
            "wall time": f"{format_duration(self.wall)} in {count_noun(self.starts, 'start')}" if self.starts else "not recorded",
            "CPU time": "not recorded" if self.cpu is None else f"{format_duration(self.cpu)}, driver and workers",
        }
        for stage, totals in groupby(self.trainings, lambda one: one.stage):
            words = (f"{one.count:,} {one.state.replace('_', ' ')} in {format_duration(one.seconds)}" for one in totals)
            found[f"trainings of the {stage}"] = ", ".join(words)
        found["epochs"] = f"{self.epochs:,}"
        if self.measured:
            found["latency"] = f"{count_noun(self.measured, 'measurement')} in {format_duration(self.measuring)}"
        return found


def sum_compute(
    events: Sequence[TimedEvent], trainings: Mapping[str, Iterable[tuple[TrialState, float]]], epochs: int
) -> ComputeTotals:
    """Return the totals of a study: `trainings` are the state and the seconds of each training by its stage."""
    starts = [start for start in split_starts(events) if not any(isinstance(event, StudyRefused) for _, event in start)]
    spent = [event for start in starts for _, event in start if isinstance(event, ResourcesSpent)]
    measuring = [event for event in spent if event.what == "measuring"]
    return ComputeTotals(
        len(starts),
        sum(map(count_seconds, starts)),
        round(sum(event.cpu for event in spent) + sum(map(count_driver_seconds, starts)), 3) if spent else None,
        tuple(total for stage, ended in trainings.items() for total in total_trainings(stage, ended)),
        epochs,
        len(measuring),
        round(sum(event.seconds for event in measuring), 3),
    )


def total_trainings(stage: str, ended: Iterable[tuple[TrialState, float]]) -> list[TrainingTotal]:
    """Return a total for each state in which trainings of a stage ended."""
    known = list(ended)
    states = (state for state in TrialState if state.is_training_end)
    own = ((state, [seconds for other, seconds in known if other is state]) for state in states)
    return [TrainingTotal(stage, state.value, len(seconds), round(sum(seconds), 3)) for state, seconds in own if seconds]


def split_starts(events: Iterable[TimedEvent]) -> list[list[TimedEvent]]:
    """Return the events of each start of a study."""
    found: list[list[TimedEvent]] = []
    for time, event in events:
        if isinstance(event, StudyStarted):
            found.append([])
        if found:
            found[-1].append((time, event))
    return found


def count_seconds(start: Sequence[TimedEvent]) -> float:
    """Return the seconds between the first and the last event of a start; 0 where the clock was set back meanwhile."""
    try:
        first, last = (datetime.fromisoformat(start[place][0]) for place in (0, -1))
        return max(0.0, (last - first).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def count_driver_seconds(start: Sequence[TimedEvent]) -> float:
    """Return the CPU time of the driver from the beginning to the last note of a start."""
    began = next((event.cpu for _, event in start if isinstance(event, StudyStarted)), 0.0)
    notes = [event.driver for _, event in start if isinstance(event, ResourcesSpent)]
    return max(0.0, max(notes, default=began) - began)
