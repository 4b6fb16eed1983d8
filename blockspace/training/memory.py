"""Memory: what running out of it looks like, on a CPU and on a GPU."""

from __future__ import annotations

import torch

from blockspace.training.outcome import OutOfMemory

# the CPU allocator and oneDNN raise a plain RuntimeError
WORDS = ("can't allocate memory", "not enough memory", "out of memory", "could not create a memory object", "std::bad_alloc")


def out_of_memory(reason: BaseException, batch: int) -> OutOfMemory | None:
    """What was raised as an OutOfMemory at this batch; None when it says something else."""
    named = isinstance(reason, (MemoryError, torch.OutOfMemoryError))
    if not named and not (isinstance(reason, RuntimeError) and any(word in str(reason).lower() for word in WORDS)):
        return None
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return OutOfMemory(batch, lines[0])
