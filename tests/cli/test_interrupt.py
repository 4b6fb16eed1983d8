"""Ctrl-C once and twice on a terminal of its own, in a real process."""

from __future__ import annotations

import re

import pytest
from search_process import COMMAND, Terminal, checkpoints, table
from searching.processes import alive, children, needs_proc, wait_for
from study import tiny

ENDLESS = ["search.trials=3", "search.workers=1", "finalists.seeds=1", "finalists.epochs=1", "train.epochs=600", "train.batch=32"]
LONG = ["search.trials=3", "train.epochs=40", "train.batch=1", "data={name: digits, train: 1200, val: 100, test: 300}"]


@needs_proc
def test_ctrl_c_once_ends_the_epoch_and_says_how_to_go_on(tmp_path):
    tiny.write(tmp_path)
    terminal = Terminal([*COMMAND, *ENDLESS], tmp_path)
    assert wait_for(lambda: re.search(r" [1-9]\d*/600 ", terminal.read())), terminal.read()[-2000:]
    below = children(terminal.process.pid)
    terminal.type(b"\x03")
    assert terminal.wait() == 130
    said = terminal.read()
    assert "go on with: blockspace search study.yaml search.trials=3" in said and "Traceback" not in said
    assert "Ctrl-C again stops now" in said or not below
    assert terminal.process.stdout.read() == "", "the answer alone goes to stdout"
    kept = checkpoints(tmp_path)
    assert kept and all(0 < epochs < 600 for epochs in kept)
    assert {row["state"] for row in table(tmp_path)} >= {"running"}
    assert wait_for(lambda: not any(map(alive, below)))


@needs_proc
@pytest.mark.slow  # by default Ctrl-C is pressed twice in a search of fakes: searching/test_resume.py
def test_ctrl_c_twice_stops_now(tmp_path):
    tiny.write(tmp_path)
    terminal = Terminal([*COMMAND, *LONG], tmp_path)
    assert wait_for(lambda: " first " in terminal.read()), terminal.read()[-2000:]
    below = children(terminal.process.pid)
    terminal.type(b"\x03")
    assert wait_for(lambda: "Ctrl-C again stops now" in terminal.read()), terminal.read()[-2000:]
    terminal.type(b"\x03")
    assert terminal.wait() == 130
    said = terminal.read()
    assert "go on with: blockspace search study.yaml" in said and "Traceback" not in said
    assert wait_for(lambda: not any(map(alive, below)))
    assert not list(tmp_path.glob("runs/tiny/trials/*/result.json"))
