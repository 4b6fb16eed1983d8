"""What torch raises in a training, in our words: out of memory, one value per channel, a compiler that is not there."""

import pickle

import pytest
import torch
from nets import small
from torch import nn

from blockspace.data import Split
from blockspace.errors import BlockspaceError
from blockspace.training import Diverged, OutOfMemory, fit, read_recipe
from blockspace.training.error_translation import translate_error, translate_process_error

CPU = {"epochs": 1, "batch": 8, "accelerator": "cpu"}


def split(n=16):
    return Split(torch.rand(n, 1, 16, 16), torch.arange(n) % 10, 10)


class Greedy(nn.Module):
    """Asks for what no machine has, once it trains."""

    def __init__(self):
        super().__init__()
        self.net = small()

    def forward(self, images):
        return self.net(images) + (torch.empty(2**50)[:1] if self.training else 0)


def test_memory_that_runs_out_is_named():
    module = Greedy()
    with pytest.raises(OutOfMemory, match="out of memory at batch 8: .*allocate") as caught:
        fit(module, split(), None, read_recipe(CPU), 0)
    assert isinstance(caught.value, MemoryError) and not module.training
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 (our own object)
    assert str(again) == str(caught.value) and again.batch == 8


@pytest.mark.parametrize(
    "reason",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."),
        RuntimeError("could not create a memory object"),
    ],
)
def test_every_way_to_run_out(reason):
    assert isinstance(translate_error(reason, 4), OutOfMemory)


def test_other_errors_stay_as_they_are():
    assert translate_error(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), 4) is None
    assert translate_error(ValueError("nothing"), 4) is None


def test_one_value_per_channel_is_said_in_one_line():
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 10, 1), nn.BatchNorm2d(10), nn.Flatten())
    with pytest.raises(BlockspaceError, match="batch normalisation needs more than one value per channel") as caught:
        fit(module, split(), None, read_recipe(CPU | {"batch": 1}), 0)
    assert caught.value.mistakes[0].code == "E-BN-1X1"
    fit(module, split(), None, read_recipe(CPU | {"batch": 2}), 0)


def test_what_another_process_raised():
    trace = "\n-- Process 1 terminated:\nTraceback ...\nblockspace.training.outcome.Diverged: the loss was nan at step 7\n"
    found = translate_process_error(trace, 8)
    assert isinstance(found, Diverged) and found.step == 7


def test_a_process_that_cannot_be_forked_says_so():
    trace = "RuntimeError: Unable to handle autograd's threading in combination with fork-based multiprocessing. See https://..."
    found = translate_process_error(trace, 8)
    assert found.mistakes[0].code == "E-DEVICE" and "new process" in found.mistakes[0].help


def test_compiling_without_a_compiler(monkeypatch):
    from torch._inductor import cpp_builder, exc

    def none():
        raise exc.InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(BlockspaceError, match="torch.compile: no C[+][+] compiler was found") as caught:
        fit(small(), split(), None, read_recipe(CPU | {"compile": True}), 0)
    assert caught.value.mistakes[0].code == "E-COMPILE"


@pytest.mark.slow
def test_a_compiled_training_is_the_plain_one():
    import shutil

    if not shutil.which("g++"):
        pytest.skip("no C++ compiler")
    torch.set_num_threads(1)
    plain, compiled = small(channels=8), small(channels=8)
    gently = CPU | {"optimizer": {"sgd": {"lr": 0.01}}}  # rounding differs, and large steps would make much of it
    images, others = split(), split()
    first = fit(plain, images, others, read_recipe(gently), 0)
    second = fit(compiled, images, others, read_recipe(gently | {"compile": True}), 0)
    assert first.history[-1].train_loss == pytest.approx(second.history[-1].train_loss, rel=1e-3)
    assert plain.state_dict().keys() == compiled.state_dict().keys()
