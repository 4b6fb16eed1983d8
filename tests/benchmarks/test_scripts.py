"""Every script in `benchmarks/` runs to its end on a small subject. Its figures are not judged: no verdict depends on a machine's speed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

ROOT = Path(__file__).parents[2]
SCRIPTS = {path.stem: path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")}
DIGITS = "data={name: digits, train: 100, val: 50, test: 50}"
STUDY = [DIGITS, "search.workers=1", "train.epochs=1", "finalists.epochs=1", "finalists.take=1", "finalists.seeds=1"]
# name: (constants that are made small, the call)
SMALL: dict[str, tuple[dict[str, Any], Callable[[ModuleType], object]]] = {
    "build": ({"ROUNDS": 1}, lambda script: script.main(("shufflenet_v2_x0_5",))),
    "calibration": ({}, lambda script: script.main(["--studies", "20", "--only", "sd 0.2/0.6, 897 images, R=5", "--table", "none.csv"])),
    "canonical": ({"SUBJECTS": {"ShuffleNet v2": ("shufflenet_v2_x1_0", {})}, "SECONDS": 0}, lambda script: script.main()),
    "cells": ({"OPERATIONS": ("none", "skip")}, lambda script: script.main()),
    "claims": ({}, lambda script: script.main(False)),
    "cost": ({"ROUNDS": 1}, lambda script: script.main("resnet18")),
    "deploy": ({"SECONDS": 0}, lambda script: script.main(["shufflenet_v2_x1_0"], 32, False)),
    "drawing": ({"GRAPHS": [("hs_block", {})], "REPEATS": 1}, lambda script: script.main()),
    "forms": ({"SECONDS": 0}, lambda script: script.main(1, 32)),
    "guidelines": ({"BATCHES": (1,), "SIZE": 8, "PAIRS": 2}, lambda script: script.main()),
    "latency": ({"REPEATS": 2, "PAIRS": 2}, lambda script: script.main()),
    "mutants": ({"LONG": 1e9}, lambda script: script.main(60, 1)),
    "overhead": ({}, lambda script: script.main(str(ROOT / "studies" / "hs_vs_resnext.yaml"), ["search.trials=2", *STUDY])),
    "report": ({}, lambda script: script.main(6)),
    "rules": ({}, lambda script: script.main(["resnext_a", "shufflenet_v1"])),
    "start": ({"ROUNDS": 1}, lambda script: script.main()),
    "trials": (
        {}, lambda script: script.main(str(ROOT / "studies" / "hs_vs_resnext.yaml"), [DIGITS], count=1, epochs=1, rounds=1, bf16=False)
    ),
    "verify": ({}, lambda script: script.main("shufflenet_v2_x0_5", 0)),
}  # fmt: skip
SLOW = {"deploy", "forms", "overhead", "report", "trials"}  # half a minute each; the default suite imports them
# scripts that start processes of their own or need one without torch, and their arguments
ALONE = {
    "library": ["resnet18"],
    "journeys": ["show", "source"],
    "pixels": ["--count", "40", "--side", "8", "--rounds", "1"],
}


def test_every_script_is_run_here():
    assert SCRIPTS.keys() == SMALL.keys() | ALONE.keys()


@pytest.fixture
def threads():
    """Scripts set torch's number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def load_script(monkeypatch):
    """Return what imports a script without running it, in the folder and with the path that it has when it is run."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.syspath_prepend(str(ROOT / "tests"))

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"benchmark_{name}", SCRIPTS[name])
        script = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, script)
        spec.loader.exec_module(script)
        return script

    return load


@pytest.mark.parametrize("name", sorted(SLOW))
def test_slow_script_is_imported(name, load_script):
    assert callable(load_script(name).main)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in sorted(SMALL)])
def test_script(name, load_script, monkeypatch, capsys, threads):
    script = load_script(name)
    constants, call = SMALL[name]
    for constant, value in constants.items():
        monkeypatch.setattr(script, constant, value)
    call(script)
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", sorted(ALONE))
def test_script_in_a_process_of_its_own(name):
    run = subprocess.run([sys.executable, SCRIPTS[name], *ALONE[name]], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0 and run.stdout.strip(), run.stderr
