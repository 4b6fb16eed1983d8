"""Several calls timed in turn, in CPU time of the one thread: what the scripts beside share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from statistics import median
from time import monotonic, thread_time

LEAST = 5  # rounds measured even when time is up


def in_turn(calls: dict[str, Callable[[], object]], seconds: float, warmup: int = 2) -> dict[str, list[float]]:
    """Seconds of every call, round by round, each round starting with another one."""
    for call in calls.values():
        for _ in range(warmup):
            call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    until, starts = monotonic() + seconds, cycle(range(len(calls)))
    while len(next(iter(times.values()))) < LEAST or monotonic() < until:
        start = next(starts)
        for name in [*list(calls)[start:], *list(calls)[:start]]:
            begin = thread_time()
            calls[name]()
            times[name].append(thread_time() - begin)
    return times


def ratios(times: dict[str, list[float]], base: str) -> dict[str, tuple[float, float]]:
    """For every call the median of its ratio to `base` round by round, and its median in milliseconds."""
    return {name: (median(a / b for a, b in zip(found, times[base])), 1000 * median(found)) for name, found in times.items()}
