"""Hostile files - pickles, weights, names, links, HTML, a run directory from a stranger - are read as data, or refused in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import blockspace

HERE = Path(__file__).parent


def run_commands(folder: Path, which: str) -> dict:
    """Run the script in a process of its own, since an audit hook stays for good."""
    env = os.environ | {"PYTHONPATH": str(Path(blockspace.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(HERE / "hostile.py"), str(folder), which], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("which", ["plain", pytest.param("torch", marks=pytest.mark.slow)])
def test_nothing_is_executed(tmp_path, which):
    found = run_commands(tmp_path, which)
    assert not found["ran"] and not found["seen"]
    for command, (code, text) in found["done"].items():
        assert "Traceback" not in text and "\x1b" not in text, command
        assert code in (0, 2, 3) and (code == 0) == ("error: " not in text), (command, code, text)
    inside = {path.name for path in tmp_path.iterdir()}
    assert not {"ran", "escape"} & inside and not (tmp_path.parent.parent / "escape").exists()


def test_the_script_sees_what_runs(tmp_path):
    """The judge itself: a program and an unpickled name are seen."""
    code = """
import json, os, pickle, sys
from pathlib import Path
import hostile
seen = []
hostile.watch(Path.cwd(), seen)
hostile.watching = True
os.system("true")
pickle.loads(pickle.dumps(Path))
open("elsewhere", "w").close()
print(json.dumps(seen))
"""
    env = os.environ | {"PYTHONPATH": str(HERE)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path)
    events = [line.split()[0] for line in json.loads(done.stdout)]
    assert events == ["os.system", "pickle.find_class", "write"], done.stderr
