"""Translate errors that torch and Lightning raise in a training: out of memory, batch norm on one value, a missing compiler."""

from __future__ import annotations

import re

import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from blockspace.data import translate_loader_error
from blockspace.errors import error
from blockspace.training.batchnorm import make_single_value_error
from blockspace.training.fit_result import Diverged, OutOfMemory
from blockspace.training.torch_compile import translate_compile_error

DIVERGED = re.compile(r"Diverged: the loss was (\S+) at step (\d+)")
FORKED = "Unable to handle autograd's threading in combination with fork"
SINGLE_VALUE = "Expected more than 1 value per channel"
# the CPU allocator and oneDNN raise a plain RuntimeError
MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "could not create a memory object", "std::bad_alloc")


def translate_error(reason: Exception, batch: int) -> Exception | None:
    """Return the exception to raise in place of `reason`, or None where that says enough."""
    if isinstance(reason, ProcessRaisedException):
        return translate_process_error(str(reason), batch)
    if isinstance(reason, ValueError) and SINGLE_VALUE in str(reason):
        shape = str(reason).rpartition("torch.Size(")[2].rstrip(")")
        return make_single_value_error(f"the training met a batch of shape {shape}")
    return translate_memory_error(reason, batch) or translate_loader_error(reason) or translate_compile_error(reason)


def translate_process_error(text: str, batch: int) -> Exception:
    """Return the exception of another device's process, given its printed trace."""
    if found := DIVERGED.search(text):
        return Diverged(int(found[2]), float(found[1]))
    if FORKED in text:
        help = "start it in a new process, as `blockspace train` does"
        return error("E-DEVICE", "a process in which autograd's threads have run cannot be forked for several devices", help=help)
    last = [line for line in text.splitlines() if line.strip()][-1]
    return translate_memory_error(RuntimeError(last), batch) or RuntimeError(last)


def translate_memory_error(reason: BaseException, batch: int) -> OutOfMemory | None:
    """Return an OutOfMemory at this batch for an exception that says so, on a CPU or a GPU; None for any other."""
    named = isinstance(reason, (MemoryError, torch.OutOfMemoryError))
    if not named and not (isinstance(reason, RuntimeError) and any(word in str(reason).lower() for word in MEMORY)):
        return None
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return OutOfMemory(batch, lines[0])
