"""Ctrl-C, SIGTERM and a closed terminal: once asks the search to stop where it can be continued, twice stops it now.

The alarm clock ends what does not notice: what goes on after SIGTERM, and a training of this process that stands still.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from blockspace.records import TrialRecord
from blockspace.searching.stall import make_stall_error

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ORDERLY = 4.0  # seconds after SIGTERM or SIGHUP until the search is stopped wherever it stands: whoever sends them does not wait
TRAINING_GRACE = 3.0  # of these, what a training has to end its epoch


class Interrupted(KeyboardInterrupt):
    """Raised where a search was stopped from outside; the same command resumes it.

    `exit_code` is 130 after Ctrl-C, 143 after SIGTERM, 129 when the terminal was closed.
    """

    def __init__(self, signum: int = signal.SIGINT, rows: list[TrialRecord] | None = None):
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum, self.rows = signum, rows or []

    @property
    def exit_code(self) -> int:
        """Return 128 plus the signal's number, as shells do."""
        return 128 + self.signum


class StopRequest:
    """A request to stop, made by a signal, or by the caller's `stop()` returning true."""

    def __init__(self, stop: Callable[[], bool] | None = None):
        self.signum: int | None = None
        self._stop = stop
        self._stall = 0.0

    def __bool__(self) -> bool:
        if self.signum is None and self._stop and self._stop():
            self.signum = signal.SIGINT
        return self.signum is not None

    @property
    def grace(self) -> float | None:
        """Return the seconds a running training has to end its epoch; None: as long as that takes, since Ctrl-C can be pressed again."""
        return None if self.signum == signal.SIGINT else TRAINING_GRACE

    def expect_step(self, seconds: float) -> None:
        """Raise FailureError in the main thread unless this is called again within so many seconds; 0: wait for ever."""
        self._stall = seconds
        if self.signum in (None, signal.SIGINT) and threading.current_thread() is threading.main_thread():
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def note(self, signum: int, frame: FrameType | None = None) -> None:
        """Handle a signal: remember the first; raise Interrupted at the second, or when the time after the first is over.

        Raises FailureError when an expected step did not come.
        """
        if signum == signal.SIGALRM and self.signum is None:
            raise make_stall_error(self._stall, frame)
        if self.signum is not None:
            raise Interrupted(self.signum if signum == signal.SIGALRM else signum)
        self.signum = signum
        if signum != signal.SIGINT:
            signal.setitimer(signal.ITIMER_REAL, ORDERLY)

    def interrupted(self, rows: list[TrialRecord] | None = None) -> Interrupted:
        """Return the exception for what was requested."""
        return Interrupted(self.signum or signal.SIGINT, rows)


@contextmanager
def handle_stop_signals(stop: Callable[[], bool] | None = None) -> Iterator[StopRequest]:
    """Handle the signals while the block runs: yields the request, which is true once one came.

    Outside the main thread, where Python allows no handlers, only `stop` is asked. Raises Interrupted at the end of a block that did not
    notice the signal: whoever sent it waits for the end of everything, not of this block.
    """
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
    if request.signum is not None:
        raise request.interrupted()


def ignore_signals() -> None:
    """Ignore further signals while the resume instructions are printed; `raise_on_signals` restores the handlers on exit."""
    if threading.current_thread() is threading.main_thread():
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise Interrupted while the block runs, as Ctrl-C raises KeyboardInterrupt; in the main thread.

    An exception that is lost, because the signal came while Python called a finaliser, is raised again a moment later.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    lost: list[int] = []
    report_lost = sys.unraisablehook

    def raise_again(unraisable: sys.UnraisableHookArgs) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            report_lost(unraisable)
            return
        lost.append(unraisable.exc_value.signum)
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    def raise_interrupted(signum: int, _frame: FrameType | None = None) -> None:
        raise Interrupted(lost.pop() if signum == signal.SIGALRM and lost else signum)

    before = {signum: signal.signal(signum, raise_interrupted) for signum in (*SIGNALS, signal.SIGALRM)}
    sys.unraisablehook = raise_again
    try:
        yield
    finally:
        sys.unraisablehook = report_lost
        for signum, handler in before.items():
            signal.signal(signum, handler)
