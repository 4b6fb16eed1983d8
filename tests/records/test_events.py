"""Events of a run: written, read again, cut short by a kill; and the log of older directories."""

from __future__ import annotations

import dataclasses
import errno
import json
import os

import pytest

from blockspace.errors import StorageError
from blockspace.records import (
    EpochEnded,
    EventLog,
    ExportStarted,
    FinalistTrained,
    LastStage,
    RunDir,
    SearchOpened,
    StudyFailed,
    StudyFinished,
    StudyRefused,
    StudyStarted,
    StudyStopped,
    TrainingProgressed,
    TrainingStarted,
    TrialFinished,
    TrialRecord,
    TrialRefused,
    TrialState,
    read_events,
    read_last_stage,
)
from blockspace.records.events import Event, event_types

RECORD = TrialRecord(3, TrialState.TRAINED, "hs-s4", "v3:1", params={"splits": 4}, values={"val_acc": 0.9})
STARTED = StudyStarted("tiny", 6, {"val_acc": "maximize"}, "block", ("macs at most 4M",), ("a note",))
EXAMPLES = [
    STARTED,
    TrialFinished(RECORD, 1),
    FinalistTrained(2, "hs-s4 seed 0", TrialState.DIVERGED, "loss is nan", 3.5),
    EpochEnded(1, 2, 0.5, {"val_acc": 0.25, "val_loss": 2.125}, 0.1, 2.25),
    StudyFailed("no disk"),
]


@pytest.fixture
def run(tmp_path) -> RunDir:
    return RunDir(tmp_path)


def test_kinds_are_told_apart():
    classes = [cls for cls in vars(__import__("blockspace.records.events", fromlist=["*"])).values() if isinstance(cls, type)]
    events = [cls for cls in classes if issubclass(cls, Event) and "kind" in vars(cls)]
    assert len(events) == len(event_types()) >= 25
    assert all(dataclasses.is_dataclass(cls) and cls.__doc__ for cls in events)


def test_events_are_read_as_they_were_written(run):
    heard: list[Event] = []
    log = EventLog(run, heard.append)
    for event in EXAMPLES:
        log(event)
    assert [event for _, event in read_events(run)] == EXAMPLES == heard
    for line in run.events.read_text().splitlines():
        content = json.loads(line)
        assert list(content)[:2] == ["time", "kind"] and content["time"][4] == "-"


def test_the_log_says_the_same_in_words(run):
    log = EventLog(run)
    for event in EXAMPLES:
        log(event)
    words = [line.split(" ", 1)[1] for line in run.log.read_text().splitlines()]
    assert words[1:] == [
        "finished 3 hs-s4 trained 1", "retrained 2 hs-s4 seed 0 diverged loss is nan",
        "epoch epoch=1 epochs=2 loss=0.5 val_acc=0.25 val_loss=2.125 lr=0.1 seconds=2.25", "failed no disk",
    ]  # fmt: skip


def test_progress_and_what_is_for_listeners_only_is_not_written(run):
    log = EventLog(run)
    log(TrainingProgressed(1, steps=3))
    log(SearchOpened(1, 2, 0, (RECORD,)))
    log(TrainingStarted(4, "hs", "/somewhere"))
    assert [event for _, event in read_events(run)] == [SearchOpened(1, 2, 0), TrainingStarted(4, "hs")]
    assert "somewhere" not in run.events.read_text()


def test_a_line_cut_short_costs_that_line_only(run):
    EventLog(run)(STARTED)
    with open(run.events, "a") as file:
        file.write('{"time": "2026-01-01T00:00:00", "kind": "fini')
    assert [event.kind for _, event in read_events(run)] == ["asked"]
    EventLog(run)(StudyFinished())
    assert [event.kind for _, event in read_events(run)] == ["asked", "done"]


OTHERS = ["", "[]", "3", '{"kind": "done"}', '{"time": "t", "kind": "new", "x": 1}', '{"time": "t", "kind": "done", "x": 1}']


@pytest.mark.parametrize("line", OTHERS)
def test_lines_of_other_versions_are_passed_over(run, line):
    run.events.write_text(f"{line}\n")
    EventLog(run)(StudyFinished())
    assert [event.kind for _, event in read_events(run)] == ["done"]


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([], ""),
        ([STARTED], "asked"),
        ([STARTED, ExportStarted(2)], "exporting"),
        ([STARTED, StudyStopped(), STARTED, StudyFinished()], "done"),
        ([STARTED, StudyFinished(), STARTED, StudyRefused("another's")], "done"),
        ([STARTED, StudyFinished(), STARTED], "asked"),
        ([STARTED, StudyFailed("x"), STARTED, STARTED, StudyRefused(), StudyRefused()], "failed"),
    ],
)
def test_where_a_study_stands(run, events, kind):
    log = EventLog(run)
    for event in events:
        log(event)
    assert read_last_stage(run).kind == kind


def test_a_directory_without_events_is_read_by_its_log(run):
    assert read_last_stage(run) == LastStage()
    run.log.write_text("2026-01-31T12:00:00 asked \n2026-01-31T12:00:01 proposed 0 hs\n2026-01-31T12:00:09 failed no space left\n\n")
    assert read_last_stage(run) == ("failed", "2026-01-31 12:00:09", "no space left")
    for event in (STARTED, StudyRefused("changed")):
        EventLog(run)(event)
    assert read_last_stage(run).kind == "failed", "a start that was refused changed nothing"
    EventLog(run)(STARTED)
    assert read_last_stage(run).kind == "asked", "once there are events, they count"


@pytest.mark.parametrize("name", ["log", "events"])
def test_a_log_that_cannot_be_written_is_said_once_and_the_run_goes_on(run, name):
    path = getattr(run, name)
    path.mkdir()
    heard: list[Event] = []
    log = EventLog(run, heard.append)
    for event in EXAMPLES:
        log(event)
    (warning,) = [event for event in heard if event.kind == "warning"]
    assert warning.reason == f"{path} cannot be written (Is a directory); the run goes on without it"
    assert [event for event in heard if event.kind != "warning"] == EXAMPLES
    other = run.events if name == "log" else run.log
    assert len(other.read_text().splitlines()) >= len(EXAMPLES)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_full_or_broken_disk_stops_the_run(run, monkeypatch, number):
    def fail(path, text):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("blockspace.records.event_log.append_line", fail)
    with pytest.raises(StorageError) as caught:
        EventLog(run)(STARTED)
    assert caught.value.mistakes[0].code == ("E-DISK" if number == errno.ENOSPC else "E-IO")


def test_a_log_is_not_written_through_a_link_or_into_a_folder_that_is_gone(run, tmp_path):
    (tmp_path / "target").write_text("mine")
    run.log.symlink_to(tmp_path / "target")
    with pytest.raises(StorageError, match="Too many levels of symbolic links"):
        EventLog(run)(STARTED)
    assert (tmp_path / "target").read_text() == "mine"
    with pytest.raises(StorageError, match="No such file or directory"):
        EventLog(RunDir(tmp_path / "gone"))(STARTED)
    assert not (tmp_path / "gone").exists()


def test_lines_nested_too_deep_are_passed_over(run):
    EventLog(run)(STARTED)
    with open(run.events, "a") as file:
        file.write("[" * 200_000 + "\n")
    assert [event for _, event in read_events(run)] == [STARTED]


def test_only_later_searches_are_written_with_their_number(run):
    log = EventLog(run)
    refused = TrialRefused(dataclasses.replace(RECORD, repeat=2))
    events = [dataclasses.replace(STARTED, repeats=3), SearchOpened(0, 0, 0), SearchOpened(1, 2, 0, repeat=2), refused]
    for event in events:
        log(event)
    assert [event for _, event in read_events(run)] == events
    written = [json.loads(line) for line in run.events.read_text().splitlines()]
    assert ["repeat" in line for line in written] == [False, False, True, False] and written[3]["record"]["repeat"] == 2
    assert "repeats" not in STARTED.as_dict() and "repeat" not in RECORD.as_dict()
    assert run.log.read_text().splitlines()[2].endswith("opened 1 search 3")
