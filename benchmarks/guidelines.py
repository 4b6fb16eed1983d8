"""ShuffleNetV2's guidelines G3 and G4 (arXiv:1807.11164 section 2), measured on this machine: what macs do not see.

    python benchmarks/guidelines.py

G3: fragments. Ten blocks of one, two or four 1x1 convolutions, in series or in parallel, with equal macs (table 3). G4: elementwise
operators. Ten bottlenecks with and without ReLU and shortcut (table 4). Each line is a ratio of times, call by call beside the first of
its group (CPU time of one thread, eager, 56 x 56), with the macs it has of the first's.
"""

from __future__ import annotations

import torch

import blockspace as bs
from blockspace.graph import Graph
from blockspace.ops import OPS, Add, Conv
from blockspace.runtimes import paired_ratio

BLOCKS, SIZE, BATCHES, PAIRS = 10, 56, (1, 8), 100
FRAGMENTS = {"1 fragment": (1, "series", 128)} | {
    f"{count} in {how}": (count, how, channels) for count, channels in ((2, 90), (4, 64)) for how in ("series", "parallel")
}
ELEMENTWISE = {
    "neither": (False, False),
    "ReLU": (True, False),
    "shortcut": (False, True),
    "ReLU and shortcut": (True, True),
}


def conv(graph: Graph, source: str, out: int, name: str, k: int = 1, relu: bool = False) -> str:
    """A convolution, and a ReLU behind it if asked for."""
    channels = graph[source].shape[0]
    made = graph.add(Conv(channels, out, (k, k), padding=(k // 2, k // 2)), source, name=f"{name}.conv").name
    return graph.add(OPS["relu"](), made, name=f"{name}.relu").name if relu else made


def fragments(count: int, how: str, channels: int) -> Graph:
    """Ten blocks of `count` 1x1 convolutions each."""
    graph = Graph((3, SIZE, SIZE))
    value = conv(graph, "input", channels, "stem")
    for block in range(BLOCKS):
        if how == "series":
            for part in range(count):
                value = conv(graph, value, channels, f"block{block}.part{part}", relu=True)
        else:
            parts = [conv(graph, value, channels, f"block{block}.part{part}", relu=True) for part in range(count)]
            value = graph.add(Add(), *parts, name=f"block{block}.add").name
    return graph


def bottlenecks(relu: bool, shortcut: bool) -> Graph:
    """Ten bottlenecks 256-64-256."""
    graph = Graph((3, SIZE, SIZE))
    value = conv(graph, "input", 256, "stem")
    for block in range(BLOCKS):
        inner = conv(graph, value, 64, f"block{block}.reduce", relu=relu)
        inner = conv(graph, inner, 64, f"block{block}.middle", 3, relu)
        inner = conv(graph, inner, 256, f"block{block}.expand", relu=relu)
        value = graph.add(Add(), inner, value, name=f"block{block}.add").name if shortcut else inner
    return graph


def compared(title: str, graphs: dict[str, Graph]) -> None:
    """Each graph's time beside the first's."""
    print(title)
    first = next(iter(graphs.values()))
    for name, graph in graphs.items():
        modules = bs.compile(graph, seed=0), bs.compile(first, seed=0)
        times = [paired_ratio(*modules, graph.input_shape, batch=batch, pairs=PAIRS) for batch in BATCHES]
        ratios = ", ".join(f"batch {batch}: {found.ratio:.2f}x" for batch, found in zip(BATCHES, times))
        print(f"  {name:<18} macs {bs.cost(graph).macs / bs.cost(first).macs:.2f}x   time {ratios}")


def main() -> None:
    torch.set_num_threads(1)
    compared("G3, fragments", {name: fragments(*setting) for name, setting in FRAGMENTS.items()})
    compared("G4, elementwise operators", {name: bottlenecks(*setting) for name, setting in ELEMENTWISE.items()})


if __name__ == "__main__":
    main()
