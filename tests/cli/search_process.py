"""The command `blockspace search` on a study of a test's own: as a process, on a terminal, and what it leaves behind."""

from __future__ import annotations

import csv
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import torch
from searching.processes import wait_for

COMMAND = [sys.executable, "-c", "from blockspace.cli import entry; entry()", "search", "study.yaml"]
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

    def wait(self) -> int:
        assert wait_for(lambda: (self.read(), self.process.poll() is not None)[1]), self.read()[-2000:]
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
