"""Where a study stands, by the last event that says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from blockspace.records.events import read_events
from blockspace.records.legacy_log import read_log
from blockspace.records.rundir import RunDir

STAGES = ("asked", "exporting", "done", "stopped", "failed")


class LastStage(NamedTuple):
    """The last stage that a study reached: its kind of event, the time, and the reason of a failure. Empty where none is known."""

    kind: str = ""
    time: str = ""
    reason: str = ""


def read_last_stage(run: RunDir) -> LastStage:
    """Return the last stage of a study, by `events.jsonl`; by `log.txt` where the study ended before that file was written."""
    events = (LastStage(event.kind, time, getattr(event, "reason", "")) for time, event in read_events(run))
    last = last_stage(events)
    return last if last.kind else last_stage(LastStage(*line) for line in read_log(run))


def last_stage(events: Iterable[LastStage]) -> LastStage:
    """Return the last one in which a study started, exported or ended; starts that were refused changed nothing."""
    refused = 0
    for event in reversed(list(events)):
        refused += event.kind == "refused"
        if event.kind == "asked" and refused:
            refused -= 1
        elif event.kind in STAGES:
            return event._replace(time=event.time.replace("T", " "))
    return LastStage()
