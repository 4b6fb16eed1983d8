"""How long building a network takes, beside its constructor in torchvision or timm.

    python benchmarks/build.py [network ...]

Both give a module on the CPU with freshly drawn weights. Ours is timed twice: compiling the graph, and from the YAML's name on (load,
expand, compile). CPU time, one thread, medians of turns taken one after the other; a ratio below 1 is less time than the constructor's.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from collections.abc import Callable

import timm
import torch
import torchvision

import blockspace as bs

ROUNDS = 5
NETWORKS = (
    "resnet50", "resnext50_32x4d", "wide_resnet50_2", "densenet121", "googlenet", "inception_v3", "inception_v4", "mobilenet_v2",
    "mobilenet_v3_large", "shufflenet_v2_x1_0", "efficientnet_b0", "convnext_tiny", "seresnet50", "res2net50_26w_4s", "ghostnet_100",
    "regnetx_004", "vgg16",
)  # fmt: skip


def constructor(reference: str) -> Callable[[], torch.nn.Module]:
    """The library's own, without weights of its own: `torchvision:NAME` or `timm:NAME`."""
    library, _, name = reference.partition(":")
    if library == "timm":
        return lambda: timm.create_model(name)
    plain = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return lambda: torchvision.models.get_model(name, **plain)


def timed(act: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    act()
    return time.process_time() - start


def main(names: tuple[str, ...]) -> None:
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    print(f"{'network':<20} {'constructor of':<32} {'takes':>9} {'compile':>10}  {'ratio':>5} {'from YAML':>10}  {'ratio':>5}")
    ratios = []
    for name in names:
        network = bs.load(name)
        theirs, graph = constructor(network.reference), network.graph()
        ours = (lambda: bs.compile(graph), lambda: bs.compile(bs.load(name).graph()))  # noqa: B023 (called here)
        turns = [tuple(map(timed, (theirs, *ours))) for _ in range(ROUNDS)]
        first, second, third = (1e3 * statistics.median(column) for column in zip(*turns))
        compiled, whole = (statistics.median(turn[i] / turn[0] for turn in turns) for i in (1, 2))
        ratios.append(compiled)
        times = f"{first:>6.0f} ms {second:>7.0f} ms  {compiled:>5.2f} {third:>7.0f} ms  {whole:>5.2f}"
        print(f"{name:<20} {network.reference:<32} {times}", flush=True)
    low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
    print(f"compiling takes {low:.2f} to {high:.2f} of the constructor's time, {middle:.2f} in the middle")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or NETWORKS)
