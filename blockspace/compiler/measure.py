"""Latency as a ratio to a baseline, both timed in one process, call by call in turn.

Absolute times drift with the machine and its load; the ratio of two networks that share every moment does not. On one CPU thread the clock
is that thread's CPU time, which stands still while other processes run.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from blockspace.compiler.compile import compile
from blockspace.errors import error
from blockspace.graph import Graph

ENOUGH = 11  # pairs measured even when time is up
Clock = Callable[[], float]  # seconds


@dataclass(frozen=True)
class Latency:
    """A paired measurement: `ratio` is the median of candidate / baseline over the pairs, `iqr` the quartile range of those ratios.

    `candidate_ms` and `baseline_ms` are medians of one call in milliseconds: CPU time of the one thread, or wall time when `threads > 1`.
    """

    ratio: float
    iqr: float
    candidate_ms: float
    baseline_ms: float
    pairs: int
    threads: int
    batch: int
    device: str
    runtime: str = "eager"


def paired_ratio(
    candidate: nn.Module, baseline: nn.Module, input_shape: tuple[int, ...], batch: int = 1, threads: int = 1,
    pairs: int = 400, warmup: int = 5, seconds: float = 4.0,
) -> Latency:  # fmt: skip
    """Time two modules in eval mode on one random input of `(batch, *input_shape)`, which of them goes first changing from pair to pair.

    At most `pairs` pairs, fewer when `seconds` have passed, never fewer than 11 (or `pairs`). More than one thread is timed by the wall
    clock, which other processes disturb. Modes and the number of threads are restored. Raises BlockspaceError (E-LATENCY) when a time is
    not positive.
    """
    clock: Clock = time.thread_time if threads == 1 else time.perf_counter
    x = torch.randn(batch, *input_shape, generator=torch.Generator().manual_seed(0))
    until = time.monotonic() + seconds
    times: list[tuple[float, float]] = []
    with prepared((candidate, baseline), threads):
        for _ in range(warmup):
            candidate(x), baseline(x)
        while len(times) < pairs and (len(times) < min(ENOUGH, pairs) or time.monotonic() < until):
            times.append(one_pair(candidate, baseline, x, clock, swap=len(times) % 2 == 1))
    return summary(times, threads, batch)


def one_pair(candidate: nn.Module, baseline: nn.Module, x: torch.Tensor, clock: Clock, swap: bool) -> tuple[float, float]:
    """Seconds of one call of each, the baseline first when `swap`."""
    if swap:
        second, first = one_pair(baseline, candidate, x, clock, swap=False)
        return first, second
    start = clock()
    candidate(x)
    between = clock()
    baseline(x)
    return between - start, clock() - between


def summary(times: list[tuple[float, float]], threads: int, batch: int) -> Latency:
    """Medians and quartiles of the pairs."""
    if not times or min(min(pair) for pair in times) <= 0:
        raise error("E-LATENCY", f"no time could be measured in {len(times)} pairs", help="a larger batch or input takes longer")
    ratios = [candidate / baseline for candidate, baseline in times]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    ours, theirs = (1000 * statistics.median(column) for column in zip(*times))
    return Latency(statistics.median(ratios), high - low, ours, theirs, len(times), threads, batch, device())


@contextmanager
def prepared(modules: tuple[nn.Module, ...], threads: int) -> Iterator[None]:
    """Eval and inference mode and the number of threads inside; as it was after."""
    modes = [module.training for module in modules]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            for module in modules:
                module.eval()
            yield
    finally:
        torch.set_num_threads(before)
        for module, mode in zip(modules, modes):
            module.train(mode)


@lru_cache(maxsize=1)
def device() -> str:
    """The processor's name."""
    try:
        rows = Path("/proc/cpuinfo").read_text().splitlines()
        return next(row.partition(":")[2].strip() for row in rows if row.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def measure_graphs(candidate: dict, baseline: dict, **options) -> Latency:
    """`paired_ratio` of two graphs in their JSON form (`Graph.as_dict`), so that a child process can be asked for it.

    `options` are those of `paired_ratio`. The baseline's module is kept for the next call. Raises BlockspaceError: E-LATENCY when the input
    shapes differ, and what `Graph.from_dict` and `compile` raise.
    """
    graph = Graph.from_dict(candidate)
    if list(graph.input_shape) != list(baseline["input"]):
        raise error("E-LATENCY", f"the candidate reads {graph.input_shape}, the baseline {tuple(baseline['input'])}: one input is needed")
    return paired_ratio(compile(graph, seed=0), kept(json.dumps(baseline, sort_keys=True)), graph.input_shape, **options)


@lru_cache(maxsize=2)
def kept(text: str) -> nn.Module:
    """The module of a graph's JSON, made once."""
    return compile(Graph.from_dict(json.loads(text)), seed=0)
