"""The clocks of one training, all monotonic: how long it may take, how long it may stand still, and the grace between TERM and KILL.

They tick in the worker server, so they hold also while the driver is busy with something else.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from time import monotonic

DUMP = signal.SIGUSR1  # a worker answers it with the stacks of all its threads, in its log
DUMP_GRACE = 1.0  # seconds for that
STARTING = 5  # times `stall` before the first beat: data is read and kernels are compiled
AGAIN = 1.0  # seconds until KILL is sent once more, to a child that had no process group yet


@dataclass(frozen=True)
class Limits:
    """Seconds; None: no limit. `stall` is the longest time between two beats, `grace` the time between TERM and KILL."""

    timeout: float | None = None
    stall: float | None = None
    grace: float = 5.0


class Clocks:
    """When which signal is due. `ended_by` says which clock rang first: `timeout` or `hung`; empty when none did."""

    def __init__(self, limits: Limits):
        self.limits, self.ended_by = limits, ""
        self.started = self.beat_at = monotonic()
        self.steps = 0
        self.kill_at: float | None = None

    def due(self, steps: int) -> int | None:
        """The signal that is due now, if any; `steps` is the pulse's count."""
        now = monotonic()
        if steps != self.steps:
            self.steps, self.beat_at = steps, now
        if self.kill_at is not None:
            return self.kill(now) if now >= self.kill_at else None
        if now >= self.times_out_at():
            return self.ring("timeout", signal.SIGTERM, now + self.limits.grace)
        if now >= self.stalls_at():
            return self.ring("hung", DUMP, now + DUMP_GRACE)
        return None

    def ring(self, word: str, signum: int, kill_at: float) -> int:
        self.ended_by, self.kill_at = word, kill_at
        return signum

    def kill(self, now: float) -> int:
        self.kill_at = now + AGAIN
        return signal.SIGKILL

    def stop(self, grace: float | None) -> None:
        """TERM was sent on request; KILL follows after `grace` seconds, or never."""
        if self.kill_at is None and grace is not None:
            self.kill_at = monotonic() + grace

    def times_out_at(self) -> float:
        return self.started + self.limits.timeout if self.limits.timeout is not None else float("inf")

    def stalls_at(self) -> float:
        stall = self.limits.stall if self.limits.stall is not None else float("inf")
        return self.beat_at + (stall if self.steps else STARTING * stall)

    def next(self) -> float:
        """Seconds until something may be due; never negative."""
        at = self.kill_at if self.kill_at is not None else min(self.times_out_at(), self.stalls_at())
        return max(0.0, at - monotonic())
