"""Heartbeats: the progress of running jobs, in memory that worker, server and driver share.

A reported step is a number written to a mapped page: no system call, no message, nothing that waits for a reader. The server looks at the
count of steps to see whether a job has stalled; the driver reads the rest to show it.
"""

from __future__ import annotations

import math
import mmap
import struct
import tempfile

from blockspace.executors.base import JobProgress

LAYOUT = struct.Struct("=QQQQdd")  # steps, epoch, epochs, (unused), loss, metric
SLOT = 64  # bytes: a cache line each, so that no two workers write to the same one
COUNT, EPOCH = struct.Struct("=Q"), struct.Struct("=QQQdd")


class Heartbeat:
    """One job's slot of shared memory, written by the worker (as its ProgressReporter) and read by server and driver."""

    def __init__(self, memory: memoryview):
        self.memory, self.steps = memory, 0

    def step(self) -> None:
        """Count one more step."""
        self.steps += 1
        COUNT.pack_into(self.memory, 0, self.steps)

    def epoch(self, done: int, epochs: int, loss: float | None = None, metric: float | None = None) -> None:
        """Write that `done` of `epochs` epochs are over; this counts as a step."""
        EPOCH.pack_into(self.memory, COUNT.size, done, epochs, 0, _encode_float(loss), _encode_float(metric))
        self.step()

    def count(self) -> int:
        """Return the number of steps so far."""
        steps: int = COUNT.unpack_from(self.memory, 0)[0]
        return steps

    def read(self) -> JobProgress:
        """Return the progress that was last written."""
        steps, epoch, epochs, _, loss, metric = LAYOUT.unpack_from(self.memory, 0)
        return JobProgress(steps, epoch, epochs, _decode_float(loss), _decode_float(metric))

    def clear(self) -> None:
        """Reset the slot to the state before the first step. (Zeros would be a loss of 0.)"""
        LAYOUT.pack_into(self.memory, 0, 0, 0, 0, 0, math.nan, math.nan)


def _encode_float(value: float | None) -> float:
    return math.nan if value is None else value


def _decode_float(value: float) -> float | None:
    return None if math.isnan(value) else value


class HeartbeatTable:
    """`count` slots in one page file without a name; the server and its children map it by the descriptor they inherit."""

    def __init__(self, count: int, descriptor: int | None = None):
        self.file = None
        if descriptor is None:
            self.file = tempfile.TemporaryFile()
            self.file.truncate(count * SLOT)
            descriptor = self.file.fileno()
        self.descriptor, self.count = descriptor, count
        self.memory = memoryview(mmap.mmap(descriptor, count * SLOT))

    def close(self) -> None:
        """Close the file; the mapped memory stays until its last view is gone."""
        if self.file is not None:
            self.file.close()

    def __getitem__(self, slot: int) -> Heartbeat:
        return Heartbeat(self.memory[slot * SLOT : (slot + 1) * SLOT])
