"""kill -9 at any point, then the same command: nothing lost, nothing twice; with one worker the very same table."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from fakes import PRELOAD, search_fakes
from processes import PATIENCE, alive, children, needs_proc, wait_for

from blockspace.executors import LocalExecutor, adopt_result
from blockspace.searching import SearchOptions

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)])}
RECIPE = {"sleep": 0.03}


def drive(folder: Path, **plan) -> subprocess.Popen:
    command = [sys.executable, str(HERE / "driver.py"), str(folder), json.dumps({"recipe": RECIPE, **plan})]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(folder: Path, **plan) -> None:
    process = drive(folder, **plan)
    output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0 and output == "main runs\n", output


def table(folder: Path, options: dict, measure=None) -> list[dict]:
    """The finished rows, without their times."""
    with LocalExecutor(1, PRELOAD) as workers:
        rows = search_fakes(folder, workers, SearchOptions(**options), measure=measure)
    return [{**asdict(row), "started": None, "ended": None, "seconds": None} for row in rows]


def check_complete(rows: list[dict], trials: int) -> None:
    good = [row for row in rows if row["state"] == "trained"]
    assert len(good) == trials == len({row["key"] for row in good})
    assert [row["number"] for row in rows] == list(range(len(rows)))
    assert all(row["state"] != "running" for row in rows)


POINTS = {
    "between enqueue and ask": {"before_ask": 13},
    "between two parameters": {"between_parameters": 13},
    "proposed": {"kill_at": ["proposed", 13]},
    "training": {"kill_at": ["started", 12]},
    "before the record": {"before_tell": 12},
    "after the record": {"kill_at": ["finished", 12]},
    "at a duplicate": {"kill_at": ["duplicate", 1]},
}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Finished searches with one worker, by sampler; made once."""
    made = {}

    def get(sampler: str, trials: int) -> list[dict]:
        if sampler not in made:
            folder = tmp_path_factory.mktemp(sampler)
            options = {"sampler": sampler, "trials": trials, "workers": 1, "per_choice": {"block": "equal"}}
            finish(folder, options=options)
            made[sampler] = table(folder, options)
        return made[sampler]

    return get


FAST = {("tpe", "between enqueue and ask"), ("tpe", "training"), ("tpe", "between two parameters"), ("nsga2", "before the record")}
CASES = [(sampler, point) for sampler in ("tpe", "random", "nsga2") for point in POINTS]


@pytest.mark.parametrize("sampler, point", [pytest.param(*case, marks=[] if case in FAST else pytest.mark.slow) for case in CASES])
def test_one_worker_resumes_to_the_same_table(tmp_path, uninterrupted, sampler, point):
    options = {"sampler": sampler, "trials": 14, "workers": 1, "per_choice": {"block": "equal"}}
    killed = drive(tmp_path, options=options, **POINTS[point])
    killed.communicate(timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL
    rows = table(tmp_path, options)
    assert rows == uninterrupted(sampler, 14)
    check_complete(rows, 14)


def test_a_result_without_its_record_is_not_trained_again(tmp_path):
    options = {"trials": 4, "workers": 1, "sampler": "random"}
    drive(tmp_path, options=options, before_tell=2).communicate(timeout=PATIENCE)
    rows = table(tmp_path, options)
    check_complete(rows, 4)
    assert {len(path.read_text().split()) for path in tmp_path.glob("trials/*/ran.txt")} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2"])
def test_one_worker_killed_at_random_times(tmp_path, uninterrupted, sampler):
    options = {"sampler": sampler, "trials": 14, "workers": 1, "per_choice": {"block": "equal"}}
    kill_until_done(tmp_path, options, random.Random(sampler))
    assert table(tmp_path, options) == uninterrupted(sampler, 14)


@pytest.mark.parametrize("seed, trials", [(0, 6), *(pytest.param(seed, 30, marks=pytest.mark.slow) for seed in range(3))])
def test_four_workers_killed_at_random_times(tmp_path, seed, trials):
    """Exactly N, none lost, none twice to completion."""
    options = {"trials": trials, "workers": 4, "per_choice": {"block": "equal"}}
    done: dict[str, str] = {}

    def acknowledged():
        for path in tmp_path.glob("trials/*/result.json"):
            text = path.read_text()
            assert done.setdefault(path.parent.name, text) == text  # never trained again once it was whole

    kill_until_done(tmp_path, options, random.Random(seed), acknowledged, measure=True)
    rows = table(tmp_path, options, measure=lambda candidate: {"latency": 0.0})
    check_complete(rows, trials)
    assert Counter(row["families"]["block"] for row in rows if row["state"] == "trained") == {"hs": trials // 2, "resnext": trials // 2}
    for row in rows:
        if row["state"] == "trained":
            result = adopt_result(tmp_path / "trials" / f"{row['number']:04d}", row["key"], row["seed"])
            assert result.metrics == row["metrics"] and row["measured"]["latency"] == row["costs"]["macs"] / 10_000


def kill_until_done(folder: Path, options: dict, dice: random.Random, look=lambda: None, **plan) -> None:
    """Start, kill -9 a moment after its imports, look, again; the moments grow until one start gets to the end."""
    for attempt in range(30):
        process = drive(folder, options=options, **plan)
        try:
            assert process.stdout.readline() == "main runs\n"
            process.communicate(timeout=dice.random() + 0.4 * attempt)
            assert process.returncode == 0
            return
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        look()
    finish(folder, options=options, **plan)  # a slow machine: never further than the start
    look()


@needs_proc
@pytest.mark.parametrize("fault", ["hang", "stubborn"])
def test_no_orphan_survives_the_driver(tmp_path, fault):
    process = drive(tmp_path, options={"trials": 4, "workers": 2}, recipe={"fault": fault})
    assert wait_for(lambda: len(list(tmp_path.glob("trials/*/ran.txt"))) >= 2)
    below = children(process.pid)
    assert len(below) == 3  # the server and two trainings
    process.kill()
    process.communicate()
    assert wait_for(lambda: not any(map(alive, below)))


@needs_proc
def test_a_dead_server_costs_nothing(tmp_path):
    process = drive(tmp_path, options={"trials": 4, "workers": 2}, recipe={"gate": str(tmp_path / "gate")})
    assert wait_for(lambda: len(list(tmp_path.glob("trials/*/ran.txt"))) >= 2)
    server, *trainings = children(process.pid)
    os.kill(server, signal.SIGKILL)
    assert wait_for(lambda: not any(map(alive, trainings)))
    (tmp_path / "gate").touch()
    output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, output
    check_complete(table(tmp_path, {"trials": 4}), 4)


@needs_proc
def test_a_second_ctrl_c_stops_now(tmp_path):
    """The first waits for the trainings, and these do not end."""
    process = drive(tmp_path, options={"trials": 4, "workers": 2}, recipe={"fault": "stubborn"}, print=True)
    assert wait_for(lambda: len(list(tmp_path.glob("trials/*/stubborn.txt"))) == 2)
    below = children(process.pid)
    process.send_signal(signal.SIGINT)
    while "StopRequested" not in (line := process.stdout.readline()):
        assert line, "it ended at the first"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130 and wait_for(lambda: not any(map(alive, below)))
    assert not list(tmp_path.glob("trials/*/result.json"))


@pytest.mark.parametrize("signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_study_that_resumes(tmp_path, signum, code):
    process = drive(tmp_path, options={"trials": 4, "workers": 2}, recipe={"gate": str(tmp_path / "gate")})
    assert wait_for(lambda: len(list(tmp_path.glob("trials/*/ran.txt"))) >= 2)
    process.send_signal(signum)
    output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == code and output == "main runs\n", output
    check_complete(table(tmp_path, {"trials": 4}), 4)
