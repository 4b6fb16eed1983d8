"""Run one job where it was placed: whatever the training does, a Result comes out of it, and its file is written."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from time import monotonic, process_time
from types import TracebackType

from blockspace.executors.base import Evaluate, Executor, Job, JobStopped, StorageFault
from blockspace.executors.result import Result, adopt_result
from blockspace.files import anchor, find_storage_error, lies_in
from blockspace.records import Listener, ResourcesSpent, TrialState, ignore_event

ATTEMPTS = 2  # starts of one job, where the executor or a worker's private storage fails under it
CPU_WORDS = ("can't allocate memory", "not enough memory")  # torch's CPU allocator, and its Windows and mmap relatives
GPU_WORDS = ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


def run_job(evaluate: Evaluate, job: Job) -> Result | StorageFault | None:
    """Return the Result of `evaluate(job)`, also written to the job's folder; None where the job was stopped (JobStopped).

    An exception about storage becomes a StorageFault, any other a `failed` or `oom` Result; its traceback goes to stderr.
    """
    started = monotonic()
    try:
        Path(job.folder).mkdir(exist_ok=True)  # not what is above it, which is gone if it is not there
        with anchor(job.folder):  # never made anew
            return _run_anchored(evaluate, job, started)
    except OSError as reason:
        traceback.print_exc()
        return find_storage_fault(reason, job) or failure_result(reason, job, monotonic() - started)


def _run_anchored(evaluate: Evaluate, job: Job, started: float) -> Result | StorageFault | None:
    """Run the job in its folder, which is there."""
    try:
        result = evaluate(job)
        if not isinstance(result, Result):
            raise TypeError(f"a training must return a Result, got {type(result).__name__}")
    except JobStopped:
        return None
    except BaseException as reason:  # SystemExit, MemoryError and RecursionError too: a failed trial is data
        traceback.print_exc()
        fault = find_storage_fault(reason, job)
        if fault is not None:
            return fault
        result = failure_result(reason, job, monotonic() - started)
    return _write_once(result, job)


def _write_once(result: Result, job: Job) -> Result | StorageFault:
    """Return the result with its file in the job's folder, where the function may have written it already."""
    if adopt_result(job.folder, job.key, job.seed) is None:
        try:
            result.write(job.folder)
        except Exception as reason:
            traceback.print_exc()
            return find_storage_fault(reason, job) or failure_result(reason, job, result.seconds)
    return result


def find_storage_fault(reason: BaseException, job: Job) -> StorageFault | None:
    """Return the fault of the storage that an exception of a job is about; None where it is the job's own.

    It is private where the path is known and not in the job's folder.
    """
    found = find_storage_error(reason, job.folder)
    if found is None:
        return None
    mistake = found.mistakes[0]
    is_private = bool(found.path) and not lies_in(found.path, job.folder)
    return StorageFault(mistake.code, mistake.message, mistake.help, is_private)


def submit_and_wait(executor: Executor, evaluate: Evaluate, job: Job, emit: Listener = ignore_event) -> Result | None:
    """Run one job on an executor that runs nothing else, and return its result; None where it was cancelled.

    `emit` is told of what was spent on it. Raises StorageError where the storage fails; of what only the worker uses, or where the executor
    fails, at the second time.
    """
    for start in range(1, ATTEMPTS + 1):
        handle, started = executor.submit(evaluate, job), monotonic()
        while not (ended := [finished for finished in executor.wait(1.0) if finished.handle is handle]):
            pass
        result = ended[0].result
        emit(ResourcesSpent("measuring", round(ended[0].cpu, 3), round(monotonic() - started, 3), round(process_time(), 3)))
        if isinstance(result, StorageFault) and not (result.is_private and start < ATTEMPTS):
            raise result.error()
        if not isinstance(result, StorageFault) and not (ended[0].lost and start < ATTEMPTS):
            return result
    return None


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
