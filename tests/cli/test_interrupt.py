"""Ctrl-C once and twice on a terminal, SIGTERM, and an environment in which nothing can train: real processes."""

from __future__ import annotations

import csv
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from searching.processes import alive, children, needs_proc, wait_for
from study import tiny

COMMAND = [sys.executable, "-c", "from blockspace.cli import entry; entry()", "search", "study.yaml"]
SHORT = ["search.trials=3", "finalists.seeds=1", "finalists.epochs=1", "train.epochs=60", "train.batch=32"]
LONG = ["search.trials=3", "train.epochs=40", "train.batch=1", "data={name: digits, train: 1200, val: 100, test: 300}"]
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Terminal:
    """A command on a terminal of its own, 70 columns wide."""

    def __init__(self, command: list[str], folder: Path):
        self.ours, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "70", "LINES": "30"}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True,
            preexec_fn=lambda: become_foreground(theirs),
        )  # fmt: skip
        os.close(theirs)
        self.seen = b""

    def read(self) -> str:
        """All that was written so far, without the terminal's control codes."""
        while select.select([self.ours], [], [], 0.05)[0]:
            try:
                data = os.read(self.ours, 65536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            self.seen += data
        return CONTROL.sub(b"", self.seen).decode(errors="replace")

    def type(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def wait(self, seconds: float) -> int:
        assert wait_for(lambda: (self.read(), self.process.poll() is not None)[1], seconds), self.read()[-2000:]
        return self.process.returncode


def become_foreground(terminal: int) -> None:
    """A session whose terminal this is: so Ctrl-C reaches it as a signal."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def table(folder: Path) -> list[dict]:
    with open(folder / "runs/tiny/results.csv", newline="") as file:
        return list(csv.DictReader(file))


def checkpoints(folder: Path) -> list[int]:
    """Finished epochs of each checkpoint that was kept."""
    kept = [torch.load(path, weights_only=True) for path in sorted(folder.glob("runs/tiny/trials/*/last.ckpt"))]
    return [len(checkpoint["state_dict"]["_extra_state"]["history"]) for checkpoint in kept]


@needs_proc
def test_ctrl_c_once_ends_the_epoch_and_says_how_to_go_on(tmp_path):
    tiny.write(tmp_path)
    terminal = Terminal([*COMMAND, *SHORT], tmp_path)
    assert wait_for(lambda: re.search(r" [1-9]\d*/60 ", terminal.read()), 60), terminal.read()[-2000:]
    below = children(terminal.process.pid)
    terminal.type(b"\x03")
    assert terminal.wait(30) == 130
    said = terminal.read()
    assert "go on with: blockspace search study.yaml search.trials=3" in said and "Traceback" not in said
    assert "Ctrl-C again stops now" in said or not below
    assert terminal.process.stdout.read() == "", "the answer alone goes to stdout"
    kept = checkpoints(tmp_path)
    assert kept and all(0 < epochs < 60 for epochs in kept)
    assert {row["state"] for row in table(tmp_path)} >= {"running"}
    assert wait_for(lambda: not any(map(alive, below)), 2)


@needs_proc
def test_ctrl_c_twice_stops_now(tmp_path):
    tiny.write(tmp_path)
    terminal = Terminal([*COMMAND, *LONG], tmp_path)
    assert wait_for(lambda: " first " in terminal.read(), 60), terminal.read()[-2000:]
    below = children(terminal.process.pid)
    terminal.type(b"\x03")
    assert wait_for(lambda: "Ctrl-C again stops now" in terminal.read(), 10), terminal.read()[-2000:]
    terminal.type(b"\x03")
    assert terminal.wait(10) == 130
    said = terminal.read()
    assert "go on with: blockspace search study.yaml" in said and "Traceback" not in said
    assert wait_for(lambda: not any(map(alive, below)), 2)
    assert not list(tmp_path.glob("runs/tiny/trials/*/result.json"))


@needs_proc
def test_sigterm_keeps_checkpoints_and_the_same_command_resumes(tmp_path):
    tiny.write(tmp_path)
    run = subprocess.Popen([*COMMAND, *SHORT], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert wait_for(lambda: len(list(tmp_path.glob("runs/tiny/trials/*/arch.yaml"))) >= 2, 60)
    time.sleep(0.3)
    below = children(run.pid)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=10)
    assert run.returncode == 143 and out == "" and "go on with: blockspace search study.yaml" in err and "Traceback" not in err
    assert wait_for(lambda: not any(map(alive, below)), 2)
    before = checkpoints(tmp_path)
    assert before and {row["state"] for row in table(tmp_path)} >= {"running"}
    stopped = [row["number"] for row in table(tmp_path) if row["state"] == "running"]
    assert not any((tmp_path / f"runs/tiny/trials/{int(number):04}/result.json").exists() for number in stopped)
    again = subprocess.run([*COMMAND, *SHORT, "-q"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0 and again.stderr == "" and again.stdout.startswith("family"), again.stderr
    after = {row["number"]: row["state"] for row in table(tmp_path)}
    assert list(after.values()).count("trained") == 3 and {after[number] for number in stopped} == {"trained"}


def test_an_environment_in_which_nothing_can_train_is_one_cause(tmp_path):
    """The first three trials fail alike: exit code 4 and that cause, once."""
    tiny.write(tmp_path)
    broken = tmp_path / "broken" / "lightning"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(broken.parent), *filter(None, sys.path)])}
    run = subprocess.run([*COMMAND, "search.trials=6"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 4, run.stderr
    errors = run.stderr[run.stderr.index("error:") :]
    assert errors.startswith("error: the first 3 trainings failed with the same cause: ImportError: libcudart.so.13: cannot open shared")
    assert errors.count("libcudart") == 1 and "Traceback" not in run.stderr
    assert [row["state"] for row in table(tmp_path)].count("failed") == 3


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_verbose_and_quiet_exclude_each_other(flag, tmp_path, monkeypatch, capsys):
    from blockspace.cli import main

    monkeypatch.chdir(tmp_path)
    tiny.write(tmp_path)
    assert main(["search", "study.yaml", flag, "-q"]) == 2
    assert "-q" in capsys.readouterr().err and not (tmp_path / "runs").exists()
