"""Ctrl-C, SIGTERM and a closed terminal: once asks the search to stop where it can be continued, twice stops it now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ORDERLY = 4.0  # seconds after SIGTERM or SIGHUP until the search is stopped wherever it stands: whoever sends them does not wait
TRAINING_GRACE = 3.0  # of these, what a training has to end its epoch


class Interrupted(KeyboardInterrupt):
    """The search was stopped from outside and can be resumed by the same command.

    `exit_code` is 130 after Ctrl-C, 143 after SIGTERM, 129 when the terminal was closed.
    """

    def __init__(self, signum: int = signal.SIGINT, rows: list | None = None):
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum, self.rows = signum, rows or []

    @property
    def exit_code(self) -> int:
        return 128 + self.signum


class StopRequest:
    """Whether someone asked to stop: a signal, or the caller's `stop()` returning true."""

    def __init__(self, stop: Callable[[], bool] | None = None):
        self.signum: int | None = None
        self._stop = stop

    def __bool__(self) -> bool:
        if self.signum is None and self._stop and self._stop():
            self.signum = signal.SIGINT
        return self.signum is not None

    @property
    def grace(self) -> float | None:
        """Seconds a running training has to end its epoch; None, as long as that takes: a person can press Ctrl-C again."""
        return None if self.signum == signal.SIGINT else TRAINING_GRACE

    def note(self, signum: int, _frame=None) -> None:
        """The signal handler: the first signal is remembered, the second, or the end of its time, stops now."""
        if self.signum is not None:
            raise Interrupted(self.signum if signum == signal.SIGALRM else signum)
        self.signum = signum
        if signum != signal.SIGINT:
            signal.setitimer(signal.ITIMER_REAL, ORDERLY)

    def interrupted(self, rows: list | None = None) -> Interrupted:
        return Interrupted(self.signum or signal.SIGINT, rows)


@contextmanager
def stoppable(stop: Callable[[], bool] | None = None) -> Iterator[StopRequest]:
    """Take the signals while the block runs. Outside the main thread, where Python allows no handlers, only `stop` is asked."""
    request = StopRequest(stop)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {signum: signal.signal(signum, request.note) for signum in (*SIGNALS, signal.SIGALRM)}
    try:
        yield request
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for signum, handler in before.items():
            signal.signal(signum, handler)


def now(signum: int, _frame=None) -> None:
    """The signal handler outside a search, where nothing is under way that must be ended in order. Raises Interrupted."""
    raise Interrupted(signum)


def undisturbed() -> None:
    """No signal interrupts what is left, which is to say how to go on; until `interruptible` ends."""
    if threading.current_thread() is threading.main_thread():
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP raise Interrupted while the block runs, as Ctrl-C raises KeyboardInterrupt; in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signum: signal.signal(signum, now) for signum in SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
