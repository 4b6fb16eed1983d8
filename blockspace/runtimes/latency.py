"""Latency as a ratio to a baseline, both timed in one process, call by call in turn.

Absolute times drift with the machine and its load; the ratio of two networks that share every moment does not.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypedDict, Unpack

import torch
from torch import nn

from blockspace.compiler import compile
from blockspace.errors import error
from blockspace.formatting import count_noun
from blockspace.graph import Graph
from blockspace.runtimes.runtime import Clock, load_runtime

ENOUGH = 11  # pairs measured even when time is up


@dataclass(frozen=True)
class Latency:
    """A paired measurement: `ratio` is the median of candidate / baseline over the pairs, `iqr` the quartile range of those ratios.

    `candidate_ms` and `baseline_ms` are medians of one call in milliseconds, by the clock of the runtime.
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


class PairingOptions(TypedDict, total=False):
    """The settings of `paired_ratio`."""

    batch: int
    threads: int
    pairs: int
    warmup: int
    seconds: float
    runtime: str


def paired_ratio(
    candidate: nn.Module, baseline: nn.Module, input_shape: tuple[int, ...], batch: int = 1, threads: int = 1,
    pairs: int = 400, warmup: int = 5, seconds: float = 4.0, runtime: str = "eager",
) -> Latency:  # fmt: skip
    """Time two modules in eval mode on one random input `(batch, *input_shape)`, which of them goes first changing from pair to pair.

    At most `pairs` pairs, fewer when `seconds` have passed, never fewer than 11 (or `pairs`). Several threads are timed by the wall clock,
    which other processes disturb. Modes and the number of threads are restored. Raises BlockspaceError: E-NAME for an unknown runtime,
    E-LATENCY when a time is not positive.
    """
    backend = load_runtime(runtime)
    clock = backend.clock(threads)
    x = torch.randn(batch, *input_shape, generator=torch.Generator().manual_seed(0))
    until = time.monotonic() + seconds
    times: list[tuple[float, float]] = []
    with backend.prepare(candidate, x, threads) as run_candidate, backend.prepare(baseline, x, threads) as run_baseline:
        for _ in range(warmup):
            run_candidate(), run_baseline()
        while len(times) < pairs and (len(times) < min(ENOUGH, pairs) or time.monotonic() < until):
            times.append(_time_pair(run_candidate, run_baseline, clock, swap=len(times) % 2 == 1))
    ratio, iqr, candidate_ms, baseline_ms = summarize_pairs(times)
    return Latency(ratio, iqr, candidate_ms, baseline_ms, len(times), threads, batch, backend.device(), runtime)


def _time_pair(candidate: Callable[[], object], baseline: Callable[[], object], clock: Clock, swap: bool) -> tuple[float, float]:
    """Return the seconds of one call of each, the baseline called first when `swap`."""
    if swap:
        second, first = _time_pair(baseline, candidate, clock, swap=False)
        return first, second
    start = clock()
    candidate()
    between = clock()
    baseline()
    return between - start, clock() - between


def summarize_pairs(times: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Return the median ratio of pairs of seconds, its quartile range, and both medians in milliseconds.

    Raises BlockspaceError (E-LATENCY) when a time is not positive.
    """
    if not times or min(min(pair) for pair in times) <= 0:
        pairs = count_noun(len(times), "pair")
        raise error("E-LATENCY", f"no time could be measured in {pairs}", help="a larger batch or input takes longer")
    ratios = [candidate / baseline for candidate, baseline in times]
    low, _, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
    candidate_ms, baseline_ms = (1000 * statistics.median(column) for column in zip(*times))
    return statistics.median(ratios), high - low, candidate_ms, baseline_ms


def measure_graphs(candidate: Mapping[str, Any], baseline: Mapping[str, Any], **options: Unpack[PairingOptions]) -> Latency:
    """Return `paired_ratio` of two graphs in their JSON form (`Graph.as_dict`), so that a child process can be asked for it.

    The baseline's module is kept for the next call. Raises BlockspaceError: E-LATENCY when the input shapes differ, and what
    `Graph.from_dict`, `compile` and `paired_ratio` raise.
    """
    graph = Graph.from_dict(dict(candidate))
    if list(graph.input_shape) != list(baseline["input"]):
        raise error("E-LATENCY", f"the candidate reads {graph.input_shape}, the baseline {tuple(baseline['input'])}: one input is needed")
    return paired_ratio(compile(graph, seed=0), compiled_baseline(json.dumps(baseline, sort_keys=True)), graph.input_shape, **options)


@lru_cache(maxsize=2)
def compiled_baseline(text: str) -> nn.Module:
    """Return the module of a graph's JSON, compiled once."""
    return compile(Graph.from_dict(json.loads(text)), seed=0)
