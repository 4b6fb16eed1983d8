"""Running out of memory: what it looks like from inside a training, and from outside when the kernel ended it."""

from __future__ import annotations

from pathlib import Path

from blockspace.records import TrialState

COUNTER = Path("/proc/vmstat")  # its `oom_kill` counts every process that the kernel killed for want of memory, in any container
CPU_WORDS = ("can't allocate memory", "not enough memory")  # torch's CPU allocator, and its Windows and mmap relatives
GPU_WORDS = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def out_of_memory(reason: BaseException) -> bool:
    """Python's MemoryError, torch's OutOfMemoryError (CUDA, MPS), an exception of that name, or a RuntimeError in the allocators' words."""
    chain = [reason, reason.__cause__]
    return any(isinstance(one, MemoryError) or type(one).__name__ in ("OutOfMemoryError", "OutOfMemory") or worded(one) for one in chain)


def worded(reason: BaseException | None) -> bool:
    return isinstance(reason, RuntimeError) and any(words in str(reason) for words in (*CPU_WORDS, *GPU_WORDS))


def kernel_kills(counter: Path = COUNTER) -> int | None:
    """How many processes the kernel's out-of-memory killer has ended since boot; None where that is not told."""
    try:
        lines = counter.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def killed_outside(before: int | None, now: int | None, peak: int) -> tuple[TrialState, str]:
    """(state, reason) of a worker that somebody else killed with SIGKILL, by the kernel's counter before and now; `peak` is in bytes."""
    held = f"worker died (signal 9), holding {peak / 1e9:.2g} GB"
    if before is None or now is None:
        return TrialState.OOM, f"{held}: killed from outside, as the kernel does when memory runs out"
    if now > before:
        return TrialState.OOM, f"{held}: killed by the kernel, which was out of memory"
    return TrialState.FAILED, f"{held}: killed from outside, and not by the kernel for want of memory"
