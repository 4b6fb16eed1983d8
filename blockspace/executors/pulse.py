"""A sign of life: what a running training says of itself, in memory that worker, server and driver share.

A beat is a number written to a mapped page: no system call, no message, nothing that waits for a reader. The server looks at the count
of beats to see whether a training stands still; the driver reads the rest to show it.
"""

from __future__ import annotations

import math
import mmap
import struct
import tempfile
from dataclasses import dataclass

LAYOUT = struct.Struct("=QQQQdd")  # beats, epoch, epochs, (unused), loss, accuracy
SLOT = 64  # bytes: a cache line each, so that no two workers write to the same one
COUNT, EPOCH = struct.Struct("=Q"), struct.Struct("=QQQdd")


@dataclass(frozen=True)
class Beat:
    """What a pulse says: steps so far, epochs done and to do (0: not known), the last epoch's loss (nats) and accuracy (0..1), or None."""

    steps: int = 0
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    accuracy: float | None = None

    @property
    def share(self) -> float:
        """How much of the training is done, 0..1."""
        return min(1.0, self.epoch / self.epochs) if self.epochs else 0.0


class Pulse:
    """One task's slot. The worker calls `beat` at every step and `epoch` after every epoch; a pulse of its own goes to nobody."""

    def __init__(self, memory: memoryview | None = None):
        self.memory = memory if memory is not None else memoryview(bytearray(SLOT))
        self.steps = 0

    def beat(self) -> None:
        """A step was taken."""
        self.steps += 1
        COUNT.pack_into(self.memory, 0, self.steps)

    def epoch(self, done: int, epochs: int, loss: float | None = None, accuracy: float | None = None) -> None:
        """`done` of `epochs` epochs are over."""
        EPOCH.pack_into(self.memory, COUNT.size, done, epochs, 0, number(loss), number(accuracy))
        self.beat()

    def count(self) -> int:
        return COUNT.unpack_from(self.memory, 0)[0]

    def read(self) -> Beat:
        steps, epoch, epochs, _, loss, accuracy = LAYOUT.unpack_from(self.memory, 0)
        return Beat(steps, epoch, epochs, known(loss), known(accuracy))

    def clear(self) -> None:
        """As before the first beat. (Zeros would be a loss of 0.)"""
        LAYOUT.pack_into(self.memory, 0, 0, 0, 0, 0, math.nan, math.nan)

    def __reduce__(self):  # memory does not travel: what is unpickled beats for itself until it is given a slot
        return Pulse, ()


def number(value: float | None) -> float:
    return math.nan if value is None else value


def known(value: float) -> float | None:
    return None if math.isnan(value) else value


class Pulses:
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
        """Give the file up; what is mapped stays until nobody holds it."""
        if self.file is not None:
            self.file.close()

    def __getitem__(self, place: int) -> Pulse:
        return Pulse(self.memory[place * SLOT : (place + 1) * SLOT])
