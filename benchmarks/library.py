"""How long each library network takes from its name to its graph, and what costing the largest one needs.

    python benchmarks/library.py [network]

No torch is imported. CPU time in milliseconds, the best of five, first reading of its files included; the ratio is to PyYAML composing the
same file. The largest network (resnext101_32x48d) is costed in a process of its own, which says its peak memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import yaml

import blockspace as bs
from blockspace.blocks import find_file, list_names, template_file

ROUNDS, LARGEST = 5, "resnext101_32x48d"


def timed(act) -> float:
    """CPU milliseconds of one call."""
    start = time.process_time()
    act()
    return 1e3 * (time.process_time() - start)


def fresh(name: str):
    """The network's graph, with nothing kept of files read before."""
    template_file._FILES.clear()
    return bs.load(name).graph()


def alone(name: str) -> None:
    """Milliseconds and megabytes of costing one network, imports apart, as the only thing a process does."""
    found: list = []
    milliseconds = timed(lambda: found.append(bs.cost(bs.load(name).graph())))
    print(f"{name}: {found[0].params:,} params, {found[0].macs:,} macs", end="")
    print(f" in {milliseconds:.0f} ms; the process held at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def main(wanted: list[str]) -> None:
    rows = []
    for name in wanted or list_names("network"):
        with open(find_file(name, "network"), encoding="utf-8") as text:
            content = text.read()
        ours = min(timed(lambda: fresh(name)) for _ in range(ROUNDS))  # noqa: B023 (called here)
        read = min(timed(lambda: yaml.compose(content)) for _ in range(ROUNDS))  # noqa: B023
        rows.append((ours, read, len(bs.load(name).graph()), name))
    print(f"{'network':<36} {'nodes':>5} {'expand':>9} {'PyYAML':>9}  ratio")
    for ours, read, nodes, name in sorted(rows, reverse=True):
        print(f"{name:<36} {nodes:>5} {ours:>6.1f} ms {read:>6.1f} ms  {ours / read:>5.2f}")
    assert "torch" not in sys.modules
    subprocess.run([sys.executable, __file__, "--alone", LARGEST], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        alone(sys.argv[2])
    else:
        main(sys.argv[1:])
