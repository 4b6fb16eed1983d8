"""SIGTERM to a search in a real process, and the same command again."""

from __future__ import annotations

import re
import signal
import subprocess

from search_process import COMMAND, Terminal, checkpoints, table
from searching.processes import alive, children, needs_proc, wait_for
from study import tiny

SHORT = ["search.trials=3", "finalists={take: 1, seeds: 1, epochs: 1}", "compare=null", "train.epochs=12", "train.batch=8"]


@needs_proc
def test_sigterm_keeps_checkpoints_and_the_same_command_resumes(tmp_path):
    tiny.write(tmp_path)
    terminal = Terminal([*COMMAND, *SHORT], tmp_path)
    assert wait_for(lambda: re.search(r" [1-9]\d*/12 ", terminal.read())), terminal.read()[-2000:]
    below = children(terminal.process.pid)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.wait() == 143
    said = terminal.read()
    assert "go on with: blockspace search study.yaml" in said and "Traceback" not in said
    assert terminal.process.stdout.read() == "", "the answer alone goes to stdout"
    assert wait_for(lambda: not any(map(alive, below)))
    before = checkpoints(tmp_path)
    assert before and {row["state"] for row in table(tmp_path)} >= {"running"}
    stopped = [row["number"] for row in table(tmp_path) if row["state"] == "running"]
    assert not any((tmp_path / f"runs/tiny/trials/{int(number):04}/result.json").exists() for number in stopped)
    again = subprocess.run([*COMMAND, *SHORT, "-q"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0 and again.stderr == "" and again.stdout.startswith("family"), again.stderr
    after = {row["number"]: row["state"] for row in table(tmp_path)}
    assert list(after.values()).count("trained") == 3 and {after[number] for number in stopped} == {"trained"}
