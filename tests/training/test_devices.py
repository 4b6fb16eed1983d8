"""Two processes on one CPU train as one does."""

import functools
import os
import subprocess
import sys

import pytest
import torch
from nets import small
from torch import nn

from blockspace.data import load
from blockspace.errors import BlockspaceError
from blockspace.training import Checkpointing, Diverged, fit, read_recipe, score
from blockspace.training.trainer import choose_strategy

KEYS = {
    "epochs": 2, "batch": 32, "accelerator": "cpu", "augment": ["crop", "flip"], "optimizer": {"sgd": {"lr": 0.05}}, "ema": {"decay": 0.9},
}  # fmt: skip


APART = "BLOCKSPACE_TEST_APART"


def apart(test):
    """A test in a process of its own: where another one has started autograd's threads, nothing can be forked."""

    @functools.wraps(test)
    def run(tmp_path):
        if APART in os.environ:
            return test(tmp_path)
        command = [sys.executable, "-m", "pytest", "-q", "-m", "slow", f"{__file__}::{test.__name__}"]
        done = subprocess.run(command, env=os.environ | {APART: "1"}, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def without_norm():
    """Batch norm sees a device's share of a batch; without it the sums are the same on one device and on two."""
    module = small()
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.BatchNorm2d):
            parent, _, last = name.rpartition(".")
            setattr(module.get_submodule(parent), last, nn.Identity())
    return module


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({}, "auto"),
        ({"strategy": "ddp", "devices": 2, "accelerator": "cpu"}, "ddp_fork"),
        ({"devices": 2, "accelerator": "cpu"}, "ddp_fork"),
        ({"devices": [0, 1], "accelerator": "gpu"}, "ddp_spawn"),
        ({"devices": [1], "accelerator": "gpu"}, "auto"),
        ({"strategy": "ddp_spawn", "devices": 2}, "ddp_spawn"),
    ],
)
def test_lightnings_name_of_a_strategy(keys, name):
    assert choose_strategy(read_recipe(keys)) == name


def test_nonsense_is_refused_with_the_list():
    with pytest.raises(BlockspaceError, match="train.strategy: should be 'auto', 'ddp', 'ddp_fork' or 'ddp_spawn', got 'fsdq'"):
        read_recipe({"strategy": "fsdq"})
    with pytest.raises(BlockspaceError, match="train.devices: should be how many, a list of their numbers, or auto; got 0"):
        read_recipe({"devices": 0})


@pytest.mark.slow
@apart
def test_two_processes_train_the_same_network(tmp_path):
    torch.set_num_threads(1)
    data = load({"name": "digits", "train": 256, "val": 100})
    one, two = without_norm(), without_norm()
    alone = fit(one, *data.search_split(), read_recipe(KEYS), 1)
    told = fit(two, *data.search_split(), read_recipe(KEYS | {"devices": 2}), 1, tmp_path, checkpointing=Checkpointing(every_s=0))
    assert told.epochs == 2 and told.steps == alone.steps and (tmp_path / "metrics.csv").exists()
    for mine, theirs in zip(alone.history, told.history):
        assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)
        assert mine.metrics["val_loss"] == pytest.approx(theirs.metrics["val_loss"], rel=1e-4)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one.state_dict().values(), two.state_dict().values()))
    assert score(two, data.val).mean("loss") == pytest.approx(told.metrics["val_loss"], rel=1e-4)


@pytest.mark.slow
@apart
def test_divergence_in_another_process_is_divergence(tmp_path):
    torch.set_num_threads(1)
    data = load({"name": "digits", "train": 64, "val": 20})
    with pytest.raises(Diverged):
        fit(without_norm(), *data.search_split(), read_recipe(KEYS | {"devices": 2, "optimizer": {"sgd": {"lr": 1e9}}}), 1)
