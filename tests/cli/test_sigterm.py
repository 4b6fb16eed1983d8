"""SIGTERM to a search in a real process, and the same command again."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest
from search_process import COMMAND, Terminal, checkpoints, table
from searching.processes import alive, children, needs_proc, wait_for
from study import tiny

SHORT = ["search.trials=3", "finalists={take: 1, seeds: 1, epochs: 1}", "compare=null", "train.epochs=12", "train.batch=8"]


@needs_proc
@pytest.mark.slow  # by default SIGTERM is sent to a search of fakes (searching/test_resume.py), and Ctrl-C to this one (test_interrupt.py)
def test_the_same_command_resumes_after_sigterm(tmp_path):
    stopped = terminate_a_search(tmp_path)
    again = subprocess.run([*COMMAND, *SHORT, "-q"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0 and again.stderr == "" and again.stdout.startswith("family"), again.stderr
    after = {row["number"]: row["state"] for row in table(tmp_path)}
    assert list(after.values()).count("trained") == 3 and {after[number] for number in stopped} == {"trained"}


def terminate_a_search(folder: Path) -> list[str]:
    """Start a search on a terminal, end it by SIGTERM in its trainings, and check what it leaves; the trials that were running."""
    tiny.write(folder)
    terminal = Terminal([*COMMAND, *SHORT], folder)
    assert wait_for(lambda: re.search(r" [1-9]\d*/12 ", terminal.read())), terminal.read()[-2000:]
    below = children(terminal.process.pid)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.wait() == 143
    said = terminal.read()
    assert "go on with: blockspace search study.yaml" in said and "Traceback" not in said
    assert terminal.process.stdout.read() == "", "the answer alone goes to stdout"
    assert wait_for(lambda: not any(map(alive, below)))
    before = checkpoints(folder)
    assert before and {row["state"] for row in table(folder)} >= {"running"}
    stopped = [row["number"] for row in table(folder) if row["state"] == "running"]
    assert not any((folder / f"runs/tiny/trials/{int(number):04}/result.json").exists() for number in stopped)
    return stopped
