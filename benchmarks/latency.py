"""How well a latency ratio repeats, on a quiet machine and beside two busy processes.

    python benchmarks/latency.py

Measures an HS network against the baseline of studies/hs_vs_resnext.yaml eight times each way, as the search does (100 pairs, CPU time of
one thread), and prints the spread of the eight ratios and how far load moves their mean.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import mean, stdev

import torch

from blockspace.compiler import compile
from blockspace.graph import Graph
from blockspace.runtimes import paired_ratio
from blockspace.study import resolve_study

REPEATS, PAIRS = 8, 100


def main() -> None:
    torch.set_num_threads(1)
    resolved = resolve_study("studies/hs_vs_resnext.yaml")
    candidate = resolved.candidate(resolved.space.default({"block": "hs"}))
    ours, theirs = (compile(Graph.from_dict(c.arch["graph"]), seed=0) for c in (candidate, resolved.baseline))
    shape = resolved.space.network.input_shape

    def ratios() -> list[float]:
        return [paired_ratio(ours, theirs, shape, pairs=PAIRS).ratio for _ in range(REPEATS)]

    quiet = ratios()
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        loaded = ratios()
    finally:
        for process in busy:
            process.kill()
    for name, found in (("quiet", quiet), ("two busy processes", loaded)):
        print(f"{name:20} mean ratio {mean(found):.3f}, spread {stdev(found) / mean(found):.1%} (standard deviation over {REPEATS})")
    print(f"load moves the mean by {mean(loaded) / mean(quiet) - 1:+.1%}")


if __name__ == "__main__":
    main()
