"""What a study does with a training that ran out of memory, and when it watches one."""

from __future__ import annotations

import pytest
from study import tiny

from blockspace.executors import Job, Result
from blockspace.study import load_study
from blockspace.study.worker_jobs import half_batch, watched


def task(**recipe) -> Job:
    return Job("/nowhere", {}, 0, options={"data": {}, "recipe": {"batch": 64, "on_oom": "half_batch", **recipe}})


def test_half_the_batch_is_tried_where_the_recipe_says_so():
    changed, why = half_batch(task(epochs=3), Result("oom"))
    assert changed == {"recipe": {"batch": 32, "on_oom": "half_batch", "epochs": 3}}
    assert why == "trained with batches of 32: out of memory with 64"


@pytest.mark.parametrize("recipe, state", [({"on_oom": "fail"}, "oom"), ({"batch": 1}, "oom"), ({}, "failed"), ({}, "diverged")])
def test_nothing_else_is_tried_again(recipe, state):
    assert half_batch(task(**recipe), Result(state)) is None


def test_processes_that_cannot_reach_the_pulse_are_not_watched(tmp_path):
    path = tiny.write(tmp_path)
    assert watched(load_study(path).options).stall_s == 120
    assert watched(load_study(path, ["train.devices=2"]).options).stall_s is None
    assert watched(load_study(path, ["train.devices=2", "train.accelerator=cpu"]).options).stall_s == 120
