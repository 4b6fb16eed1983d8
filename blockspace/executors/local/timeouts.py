"""When a running job gets which signal: its timeout, its stall limit, and the grace between TERM and KILL. All clocks are monotonic.

They run in the worker server, so they hold also while the driver is busy with something else.
"""

from __future__ import annotations

import signal
from time import monotonic

from blockspace.executors.base import TimeLimits

DUMP = signal.SIGUSR1  # a worker answers it with the stacks of all its threads, in its log
DUMP_GRACE = 1.0  # seconds for that
STARTING = 5  # times `stall` before the first step: data is read and kernels are compiled
REPEAT = 1.0  # seconds until KILL is sent once more, to a child that had no process group yet


class Timeouts:
    """The deadlines of one job. `ended_by` is `timeout` or `hung` once one has passed, else empty."""

    def __init__(self, limits: TimeLimits, grace: float):
        self.limits, self.grace, self.ended_by = limits, grace, ""
        self.started = self.step_at = monotonic()
        self.steps = 0
        self.kill_at: float | None = None

    def signal_due(self, steps: int) -> int | None:
        """Return the signal that is due now, or None; `steps` is the heartbeat's count."""
        now = monotonic()
        if steps != self.steps:
            self.steps, self.step_at = steps, now
        if self.kill_at is not None:
            return self.kill(now) if now >= self.kill_at else None
        if now >= self._times_out_at():
            return self._end("timeout", signal.SIGTERM, now + self.grace)
        if now >= self._stalls_at():
            return self._end("hung", DUMP, now + DUMP_GRACE)
        return None

    def _end(self, ended_by: str, signum: int, kill_at: float) -> int:
        self.ended_by, self.kill_at = ended_by, kill_at
        return signum

    def kill(self, now: float) -> int:
        """Return SIGKILL, and schedule its repetition."""
        self.kill_at = now + REPEAT
        return signal.SIGKILL

    def stop(self, grace: float | None) -> None:
        """Schedule KILL `grace` seconds after a TERM that was sent on request (None: never)."""
        if self.kill_at is None and grace is not None:
            self.kill_at = monotonic() + grace

    def _times_out_at(self) -> float:
        return self.started + self.limits.timeout if self.limits.timeout is not None else float("inf")

    def _stalls_at(self) -> float:
        stall = self.limits.stall if self.limits.stall is not None else float("inf")
        return self.step_at + (stall if self.steps else STARTING * stall)

    def seconds_left(self) -> float:
        """Return the seconds until a signal may be due; never negative."""
        at = self.kill_at if self.kill_at is not None else min(self._times_out_at(), self._stalls_at())
        return max(0.0, at - monotonic())
