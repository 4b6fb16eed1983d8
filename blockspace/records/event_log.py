"""The log of a run, `events.jsonl`: its writer, its reader, and the last stage of a study by it.

The file has one JSON object a line: `time` (local, ISO 8601), `kind`, and the event's fields. Only the driver appends to it. A line that a
kill has cut short is passed over by readers.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from blockspace.files import FAILING, append_line, check_anchors, parse_json, storage_error
from blockspace.records.events import Event, Listener, StudyStarted, Warned, event_types
from blockspace.records.legacy_log import read_log
from blockspace.records.rundir import RunDir
from blockspace.records.trial import TrialRecord, TrialState

STOPPING = (*FAILING, errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # errors of a log after which the run stops
STAGES = ("asked", "exporting", "done", "stopped", "failed")


class EventLog:
    """Writes each event of a run to `events.jsonl` and, in words, to `log.txt`, then passes it to the listener.

    A file that cannot be written (no permission, a folder in its place) is given up with a warning, because the run matters more. A disk
    that is full or fails, and a run directory that is gone, stop the run.
    """

    def __init__(self, run: RunDir, listener: Listener | None = None):
        self.run, self.listener = run, listener
        self._is_torn = ends_within_a_line(run.events)
        self._given_up: set[Path] = set()

    def __call__(self, event: Event) -> None:
        """Write the event, then tell the listener. Raises StorageError when the storage fails."""
        if event.is_logged:
            check_anchors()
            time = datetime.now().isoformat(timespec="seconds")
            line = json.dumps({"time": time, "kind": event.kind, **event.as_dict()})
            self._write(self.run.events, f"\n{line}\n" if self._is_torn else f"{line}\n")
            self._is_torn = False
            self._write(self.run.log, f"{time} {event.kind} {event.description()}\n")
        if self.listener is not None:
            self.listener(event)

    def _write(self, path: Path, text: str) -> None:
        """Append to a file that was not given up. Raises StorageError."""
        if path in self._given_up:
            return
        try:
            append_line(path, text)
        except OSError as reason:
            if reason.errno in STOPPING:
                raise storage_error(path, reason) from reason
            self._given_up.add(path)
            if self.listener is not None:
                self.listener(Warned(f"{path} cannot be written ({reason.strerror}); the run goes on without it"))


def ends_within_a_line(path: Path) -> bool:
    """Return whether the file ends in the middle of a line, as a kill leaves it."""
    try:
        with open(path, "rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:
        return False


def read_events(run: RunDir) -> list[tuple[str, Event]]:
    """Return the (time, event) pairs of `events.jsonl`, as far as they can be read; lines of unknown kinds are passed over."""
    try:
        lines = run.events.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [pair for line in lines if (pair := parse_event(line)) is not None]


def parse_event(line: str) -> tuple[str, Event] | None:
    """Return time and event of one line; None for one that is cut short or of another version."""
    try:
        content = parse_json(line)
        time, cls = str(content.pop("time")), event_types()[content.pop("kind")]
        if "record" in content:
            content["record"] = TrialRecord.from_dict(content["record"])
        if "state" in content:
            content["state"] = TrialState(content["state"])
        return time, cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in content.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


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


def read_command(run: RunDir) -> str:
    """Return the command that last started the study, by `events.jsonl`, refused starts aside; empty where none is known."""
    refused = 0
    for _, event in reversed(read_events(run)):
        refused += event.kind == "refused"
        if isinstance(event, StudyStarted):
            if not refused:
                return event.command
            refused -= 1
    return ""


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
