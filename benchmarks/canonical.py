"""How long rewriting takes: the canonical form, the form for deployment, and the key.

    python benchmarks/canonical.py

Milliseconds of CPU time, median of repeated calls: `bs.canonical(graph)` on a graph as it is written, `bs.deploy(graph)` on the canonical
form, `graph.key()` on the canonical form (the hash alone) and on the graph as written (rewritten first). Expanding the YAML is not timed.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import process_time

import blockspace as bs

SUBJECTS: dict[str, tuple[str, dict]] = {
    "ResNet-50": ("resnet50", {}),
    "ResNeXt-50, grouped": ("resnext50_32x4d", {}),
    "ResNeXt-50, 32 branches": ("resnext50_32x4d", {"form": "resnext_a"}),
    "GoogLeNet": ("googlenet", {}),
    "ShuffleNet v2": ("shufflenet_v2_x1_0", {}),
}
LIMITS = {"ResNet-50": {"canonical": 100, "key": 2}, "ResNeXt-50, 32 branches": {"canonical": 2000}}  # what we aim at, in ms


SECONDS = 2.0  # CPU time for each figure


def ms(call: Callable[[], object]) -> float:
    """Return the median CPU time of a call, in milliseconds."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < SECONDS:
        begin = process_time()
        call()
        times.append(process_time() - begin)
    return 1000 * median(times)


def main() -> None:
    print(f"{'':24}{'nodes':>8}" + "".join(f"{what:>16}" for what in ("canonical", "deploy", "key", "key as written")) + "  ms")
    for title, (name, settings) in SUBJECTS.items():
        written = bs.load(name, **settings).graph()
        form = bs.canonical(written)
        found = {
            "canonical": ms(lambda g=written: bs.canonical(g)),
            "deploy": ms(lambda g=form: bs.deploy(g)),
            "key": ms(lambda g=form: g.key()),
            "key as written": ms(lambda g=written: g.key()),
        }
        over = [what for what, limit in LIMITS.get(title, {}).items() if found[what] > limit]
        row = "".join(f"{time:>16.2f}" for time in found.values())
        print(f"{title:24}{len(written):>8}{row}{'   over the goal: ' + ', '.join(over) if over else ''}")


if __name__ == "__main__":
    main()
