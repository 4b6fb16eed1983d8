"""Run one job where it was placed: whatever the training does, a Result comes out of it, and its file is written."""

from __future__ import annotations

import os
import traceback
from time import monotonic
from types import TracebackType

from blockspace.executors.base import Evaluate, Executor, Job, JobStopped
from blockspace.executors.result import Result, adopt_result
from blockspace.records import TrialState

CPU_WORDS = ("can't allocate memory", "not enough memory")  # torch's CPU allocator, and its Windows and mmap relatives
GPU_WORDS = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def run_job(evaluate: Evaluate, job: Job) -> Result | None:
    """Return the Result of `evaluate(job)`, also written to the job's folder; None where the job was stopped (JobStopped).

    Any other exception becomes a `failed` or `oom` Result, and its traceback goes to stderr.
    """
    started = monotonic()
    try:
        result = evaluate(job)
        if not isinstance(result, Result):
            raise TypeError(f"a training must return a Result, got {type(result).__name__}")
    except JobStopped:
        return None
    except BaseException as reason:  # SystemExit, MemoryError and RecursionError too: a failed trial is data
        traceback.print_exc()
        result = failure_result(reason, job, monotonic() - started)
    return _write_once(result, job)


def _write_once(result: Result, job: Job) -> Result:
    """Return the result with its file in the job's folder, where the function may have written it already."""
    if adopt_result(job.folder, job.key, job.seed) is None:
        try:
            result.write(job.folder)
        except Exception as reason:
            traceback.print_exc()
            return failure_result(reason, job, result.seconds)
    return result


def submit_and_wait(executor: Executor, evaluate: Evaluate, job: Job) -> Result | None:
    """Run one job on an executor that runs nothing else, and return its result; None where it was cancelled."""
    handle = executor.submit(evaluate, job)
    while True:
        for finished in executor.wait(1.0):
            if finished.handle is handle:
                return finished.result


def failure_result(reason: BaseException, job: Job, seconds: float) -> Result:
    """Return the Result of an exception: its type and the first line of its message; its signature adds where it was raised."""
    text = str(reason).strip().splitlines()
    kind = type(reason).__name__
    line = f"{kind}: {text[0]}"[:200] if text else kind
    state = TrialState.OOM if is_out_of_memory(reason) else TrialState.FAILED
    signature = f"{kind} in {_raising_function(reason.__traceback__)}"
    return Result(state, seconds=seconds, seed=job.seed, key=job.key, reason=line, signature=signature)


def _raising_function(trace: TracebackType | None) -> str:
    """Return file and function of the last frame."""
    frames = traceback.extract_tb(trace)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].name}" if frames else "?"


def is_out_of_memory(reason: BaseException) -> bool:
    """Return whether an exception, or its cause, says that memory ran out.

    These are Python's MemoryError, torch's OutOfMemoryError (CUDA, MPS), any exception of that name, and a RuntimeError with the text of
    one of torch's allocators.
    """
    chain = [reason, reason.__cause__]
    names = ("OutOfMemoryError", "OutOfMemory")
    return any(isinstance(part, MemoryError) or type(part).__name__ in names or _has_allocator_text(part) for part in chain)


def _has_allocator_text(reason: BaseException | None) -> bool:
    return isinstance(reason, RuntimeError) and any(words in str(reason) for words in (*CPU_WORDS, *GPU_WORDS))
