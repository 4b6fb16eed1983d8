"""Progress: what is on the terminal at any width, what is printed elsewhere, and how long it says it takes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from events import LONG, asked, beat, finished, opened, search_half_done, started, trained
from rich.console import Console

from blockspace.cli.progress import Progress
from blockspace.cli.progress.live_view import render_progress
from blockspace.cli.progress.progress_lines import format_summary
from blockspace.cli.progress.progress_state import ENDS, ProgressState
from blockspace.records import (
    ExportStarted,
    NetworkExported,
    ResultAdopted,
    RetrainingStarted,
    SearchEnded,
    SearchOpened,
    StopRequested,
    TrialProposed,
    TrialRecord,
    TrialState,
)


def standing(events, clock=lambda: 0.0) -> ProgressState:
    found = ProgressState(clock)
    for event in events:
        found.update(event)
    return found


def drawn(standing: ProgressState, width: int, height: int = 24, **console) -> list[str]:
    out = Console(file=io.StringIO(), width=width, force_terminal=False, **console)
    out.print(render_progress(standing, width, height))
    return out.file.getvalue().splitlines()


def test_the_picture_has_the_front_what_runs_and_every_state():
    lines = drawn(standing(search_half_done()), 100)
    text = "\n".join(lines)
    assert lines[0].startswith("tiny  search 3/6")
    assert any(line.split() == ["11", "[bold]odd", "3/8", "0.8812", "0.4123", "0", "s"] for line in lines)
    assert any(line.split()[:2] == ["hs", "hs-0"] and "0.9100" in line and "*" in line for line in lines)
    assert any(line.split()[0] == "resnext" and "*" not in line for line in lines if "0.9200" in line), "dominated by hs"
    for state, count in {"proposed": 13, "trained": 3, "running": 2, **dict.fromkeys(set(ENDS) - {"trained"}, 1)}.items():
        assert f"{state.replace('_', ' ')} {count}" in text
    assert "budget: macs 4.29M to 4.47M; latency at most 1.3x" in text


@pytest.mark.parametrize("width", [100, 80, 60, 45, 30, 20, 12])
def test_no_line_is_wider_than_the_terminal(width):
    lines = drawn(standing(search_half_done()), width)
    assert max(map(len, lines)) <= width
    table = [line for line in lines if line.strip()]
    if width >= 30:
        assert any("0.9300" in line for line in table), "the objective outlives the details"
        assert all(f"{state.replace('_', ' ')} " in "\n".join(lines) for state in ("proposed", *ENDS, "running"))


def test_a_low_terminal_shows_the_best_of_each_family():
    rows = [trained(number, "hs", 0.9 + number / 1000, 0.5 + number / 100) for number in range(20)] + [trained(30, "resnext", 0.5, 0.9)]
    lines = drawn(standing([asked(), opened(rows)]), 80, height=12)
    shown = [line for line in lines if "0." in line and "hs-" in line]
    assert len(shown) == 2 and any("resnext-30" in line for line in lines) and "hs-19" in shown[0]


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch):
    def codes() -> str:
        out = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
        out.print(render_progress(standing([*search_half_done(), StopRequested(2)]), 80))
        return out.file.getvalue()

    assert "\x1b[1;33m" in codes() or ";38" in codes() or "\x1b[38" in codes()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "38;" not in codes() and "\x1b[1;33m" not in codes()


def test_the_time_left_is_the_measured_pace_of_all_workers():
    now = [0.0]
    events = [asked(), opened(), started(0), started(1)]
    found = standing(events, lambda: now[0])
    assert found.left() is None
    now[0] = 10.0
    for event in (finished(trained(0, "hs", 0.9, 1.0), 1), started(2), beat(1, steps=9, epoch=1, epochs=2)):
        found.update(event)
    assert found.left() == pytest.approx(10 / 1.5 * (6 - 1.5))


def test_what_an_earlier_start_did_is_not_part_of_the_pace():
    now = [0.0]
    rows = [trained(number, "hs", 0.9, 1.0) for number in range(4)]
    found = standing([asked(), opened(rows), started(4)], lambda: now[0])
    now[0] = 8.0
    found.update(finished(trained(4, "hs", 0.9, 1.0), 5))
    assert (found.done, found.left()) == (5, pytest.approx(8.0))


def test_finals_and_exports_are_stages_alike():
    events = [*search_half_done(), RetrainingStarted(2, 4), ResultAdopted(0)]
    events += [started(1, "hs-0 seed 1"), beat(1, steps=3, epoch=2, epochs=4)]
    found = standing(events)
    lines = drawn(found, 80)
    assert lines[0].startswith("tiny  finals 1/4") and any(line.split()[:5] == ["1", "hs-0", "seed", "1", "2/4"] for line in lines)
    for event in (ExportStarted(2), NetworkExported("hs-0")):
        found.update(event)
    assert drawn(found, 80)[0].startswith("tiny  exporting 1/2") and found.counts()["running"] == 0


def printed(events, **options) -> list[str]:
    stream = io.StringIO()
    with Progress(stream, **options) as progress:
        for event in events:
            progress(event)
    return stream.getvalue().splitlines()


def test_one_plain_line_a_trial_elsewhere():
    failed = TrialRecord(2, TrialState.FAILED, "hs-9", reason="ValueError: bad width")
    events = [asked(["input: 1x8x8, as the data is"]), opened(), started(0), finished(trained(0, "hs", 0.91, 0.9, seconds=3.14), 1)]
    events += [beat(0, steps=3), TrialProposed(2), finished(failed, 1)]
    lines = printed(events)
    assert lines[0] == "input: 1x8x8, as the data is"
    assert lines[1].startswith("trial   0  hs-0                         val_acc 0.9100  latency 0.900  3.1 s  |  search 1/6")
    assert lines[2].startswith("trial   2  hs-9                         failed: ValueError: bad width  0.0 s  |  search 1/6")
    assert len(lines) == 3


def test_quiet_prints_nothing_and_verbose_what_the_trainings_say(tmp_path):
    (tmp_path / "log.txt").write_text("a warning\nhalf a li")
    events = [asked(["note"]), opened(), started(7, "net", str(tmp_path)), beat(7, steps=1), finished(trained(7, "hs", 0.9, 1.0), 1)]
    assert printed(events, quiet=True) == []
    lines = printed(events, verbose=True)
    assert lines[1:3] == ["[7] a warning", "[7] half a li"] and lines[3].startswith("trial   7")


def test_the_summary_is_a_table_of_the_front():
    text = format_summary(standing(search_half_done()))
    assert text.startswith("search: 3 of 6 done (13 proposed, 1 duplicate, 1 over budget, 3 trained,")
    assert LONG in text and text.splitlines()[2].split()[:4] == ["family", "network", "trial", "val_acc"]
    assert "nothing trained yet" in format_summary(standing([asked(), opened()]))
    assert format_summary(ProgressState()) == "starting\nnothing trained yet"


def test_a_terminal_that_was_closed_is_no_reason_to_fail():
    class Closed(io.StringIO):
        def write(self, _text):
            raise OSError(5, "Input/output error")

    with Progress(Closed()) as progress:
        progress(asked(["note"]))


def test_trainings_that_were_saved_are_counted():
    row = trained(0, "hs", 0.91, 0.9, reused="runs/first#17")
    saved = {"duplicate": 1, "reused": 1}
    events = [asked(), opened(), finished(row, 1), SearchEnded(6, 9, saved)]
    lines = printed(events)
    assert lines[0].endswith("val_acc 0.9100  latency 0.900  trained as runs/first#17  |  search 1/6")
    assert lines[1] == "search done: 6 networks of 9 proposals; 2 trainings saved (1 duplicate, 1 reused)"
    lines = printed([asked(), RetrainingStarted(1, 1), ExportStarted(1), SearchEnded(1, 1, {"duplicate": 1, "reused": 0})])
    assert lines[:2] == ["finals: 1 training of 1 network", "exporting 1 network"]
    assert lines[2] == "search done: 1 network of 1 proposal; 1 training saved (1 duplicate)"
    found = standing(events)
    assert found.counts()["reused"] == 1 and found.share() == 0


def test_several_searches_are_counted():
    asks = replace(asked(), repeats=5)
    rows = [trained(0, "hs", 0.91, 0.9), trained(1, "hs", 0.92, 0.9, repeat=1)]
    ended = SearchEnded(1, 1, {"duplicate": 0, "reused": 0}, "the space is exhausted")
    events = [asks, opened(), finished(rows[0], 1), ended, RetrainingStarted(2, 4), SearchOpened(repeat=1), finished(rows[1], 1)]
    lines = printed([*events, RetrainingStarted(1, 2, repeat=1)])
    assert lines[0] == "search 1 of 5" and lines[1].endswith("|  search 1 of 5, 1/6")
    assert lines[2] == "search done: 1 network of 1 proposal; the space is exhausted"
    assert lines[3] == "finals 1 of 5: 4 trainings of 2 networks" and lines[4] == "search 2 of 5"
    assert lines[5].endswith("|  search 2 of 5, 1/6") and lines[6] == "finals 2 of 5: 2 trainings of 1 network"
    state = standing(events)
    assert [row.number for row in state.rows] == [0, 1] and state.proposed == 2 and (state.done, state.total) == (1, 6)
    assert format_summary(state).startswith("search 2 of 5: 1 of 6 done (2 proposed, 2 trained)")
