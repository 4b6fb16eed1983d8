"""Ctrl-C and SIGTERM: once asks the search to stop where it can be continued, twice stops it now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The search was stopped from outside and can be resumed by the same command. `exit_code` is 130 (Ctrl-C) or 143 (SIGTERM)."""

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

    def note(self, signum: int, _frame=None) -> None:
        """The signal handler: the first signal is remembered, the second stops now."""
        if self.signum is not None:
            raise Interrupted(signum)
        self.signum = signum

    def interrupted(self, rows: list | None = None) -> Interrupted:
        return Interrupted(self.signum or signal.SIGINT, rows)


@contextmanager
def stoppable(stop: Callable[[], bool] | None = None) -> Iterator[StopRequest]:
    """Take SIGINT and SIGTERM while the block runs. Outside the main thread, where Python allows no handlers, only `stop` is asked."""
    request = StopRequest(stop)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {signum: signal.signal(signum, request.note) for signum in SIGNALS}
    try:
        yield request
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
