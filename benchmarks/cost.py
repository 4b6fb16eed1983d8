"""How much faster expanding and costing a network is than counting it with fvcore, side by side in one process.

    python benchmarks/cost.py [network]

Both give the same multiply-accumulates: fvcore's conv + linear operators equal ours to the unit, which is checked before anything is timed.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings

import torch
import torchvision
from fvcore.nn import FlopCountAnalysis

import blockspace as bs
from blockspace.costs import COSTS

ROUNDS = 15


def timed(act) -> float:
    start = time.process_time()
    act()
    return time.process_time() - start


def counted(graph) -> dict[str, int]:
    """What a search counts of every network it proposes."""
    found = bs.cost(graph)
    return {name: getattr(found, name) for name, quantity in COSTS.items() if quantity.additive}


def main(name: str) -> None:
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    model, images = torchvision.models.get_model(name).eval(), torch.randn(1, 3, 224, 224)
    network = bs.load(name)

    def theirs():
        analysis = FlopCountAnalysis(model, images).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return sum(analysis.by_operator()[op] for op in ("conv", "linear"))

    def ours():
        return counted(network.graph())

    graph = network.graph()
    assert theirs() == ours()["macs"], (theirs(), ours())
    rounds = [(timed(theirs), timed(ours), timed(lambda: counted(graph)), timed(lambda: bs.cost(graph).as_dict())) for _ in range(ROUNDS)]
    fvcore, both, again, everything = (statistics.median(column) for column in zip(*rounds))
    ratios = sorted(a / b for a, b, *_ in rounds)
    print(f"{name}: {ours()['macs']:,} macs in both")
    print(f"medians of {ROUNDS}: fvcore {fvcore * 1e3:.1f} ms, expand + cost {both * 1e3:.2f} ms, cost again {again * 1e3:.3f} ms")
    print(f"all of {', '.join(COSTS)}: {everything * 1e3:.2f} ms")
    spread = f"{ratios[0]:.0f} to {ratios[-1]:.0f}"
    print(f"expand + cost is {statistics.median(ratios):.0f}x faster than fvcore ({spread}); costing again {fvcore / again:.0f}x")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "resnext50_32x4d")
