"""Failing: what torch and Lightning raise in a training, in this project's words."""

from __future__ import annotations

import re

from torch.multiprocessing import ProcessRaisedException

from blockspace.errors import error
from blockspace.training.compiling import compile_failure
from blockspace.training.memory import out_of_memory
from blockspace.training.norms import one_value
from blockspace.training.outcome import Diverged

DIVERGED = re.compile(r"Diverged: the loss was (\S+) at step (\d+)")
FORKED = "Unable to handle autograd's threading in combination with fork"
ONE_VALUE = "Expected more than 1 value per channel"


def translated(reason: Exception, batch: int) -> Exception | None:
    """What a caller is told instead of `reason`, or None where it says enough itself."""
    if isinstance(reason, ProcessRaisedException):
        return from_process(str(reason), batch)
    if isinstance(reason, ValueError) and ONE_VALUE in str(reason):
        shape = str(reason).rpartition("torch.Size(")[2].rstrip(")")
        return one_value(f"the training met a batch of shape {shape}")
    return out_of_memory(reason, batch) or compile_failure(reason)


def from_process(text: str, batch: int) -> Exception:
    """The exception of another device's process, of which only the printed trace is left."""
    if found := DIVERGED.search(text):
        return Diverged(int(found[2]), float(found[1]))
    if FORKED in text:
        help = "start it in a new process, as `blockspace train` does"
        return error("E-DEVICE", "a process in which autograd's threads have run cannot be forked for several devices", help=help)
    last = [line for line in text.splitlines() if line.strip()][-1]
    return out_of_memory(RuntimeError(last), batch) or RuntimeError(last)
