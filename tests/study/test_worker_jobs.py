"""What a study does with a training that ran out of memory, and when it watches one."""

from __future__ import annotations

import pytest
from study import tiny
from written import network

from blockspace.blocks import serialize_network
from blockspace.errors import BlockspaceError
from blockspace.executors import Job, Result
from blockspace.study import load_study
from blockspace.study.worker_jobs import adapt_watchdog, compile_and_fit, halve_batch


def task(**recipe) -> Job:
    return Job("/nowhere", {}, 0, options={"data": {}, "recipe": {"batch": 64, "on_oom": "half_batch", **recipe}})


def test_half_the_batch_is_tried_where_the_recipe_says_so():
    changed, why = halve_batch(task(epochs=3), Result("oom"))
    assert changed == {"recipe": {"batch": 32, "on_oom": "half_batch", "epochs": 3}}
    assert why == "trained with batches of 32: out of memory with 64"


@pytest.mark.parametrize("recipe, state", [({"on_oom": "fail"}, "oom"), ({"batch": 1}, "oom"), ({}, "failed"), ({}, "diverged")])
def test_nothing_else_is_tried_again(recipe, state):
    assert halve_batch(task(**recipe), Result(state)) is None


def test_processes_that_cannot_reach_the_pulse_are_not_watched(tmp_path):
    path = tiny.write(tmp_path)
    assert adapt_watchdog(load_study(path).options).stall_s == 120
    assert adapt_watchdog(load_study(path, ["train.devices=2"]).options).stall_s is None
    assert adapt_watchdog(load_study(path, ["train.devices=2", "train.accelerator=cpu"]).options).stall_s == 120


def test_a_network_file_of_another_graph_is_not_written(tmp_path):
    text = "input: [3, 8, 8]\nparams: {k: {default: 3, search: [1, 3]}}\nstem: [conv: {k: k, out: 8}]\nhead: [global_avgpool, linear: 2]"
    net = network(text)
    arch = {"graph": net.graph(values={"k": 3}).as_dict(), "arch": serialize_network(net, {"k": 1})}
    with pytest.raises(BlockspaceError) as caught:
        compile_and_fit(Job(str(tmp_path), arch, 0, "key", {"recipe": {"epochs": 1}}), None, None)
    assert [m.code for m in caught.value.mistakes] == ["E-SPACE"]
    assert not list(tmp_path.iterdir())
