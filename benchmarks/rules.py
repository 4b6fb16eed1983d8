"""Where each rewrite rule fires in the library, and what it saves there.

    python benchmarks/rules.py [NETWORK ...]

Canonical rules run on every library block and network as written, deploy rules on their canonical forms. Launches are calls that compute
something; macs are those of the steps at batch 1, over all subjects.
"""

from __future__ import annotations

import sys
from collections import Counter

import blockspace as bs
from blockspace.blocks import Network, list_families, list_names
from blockspace.formatting import format_si
from blockspace.passes import RULES, canonical, rewrite


def graphs(wanted: list[str]) -> dict[str, bs.Graph]:
    """Every block at its usual input, every network."""
    found = {name: bs.load(name) for name in wanted or [*list_names("block"), *list_families()]}
    return {name: it.graph() if isinstance(it, Network) else it.graph(it.usual_shape) for name, it in found.items()}


def main(wanted: list[str]) -> None:
    fired = {name: Counter() for name in RULES}
    saved = {name: Counter() for name in RULES}
    for subject, graph in graphs(wanted).items():
        for pipeline, start in (("canonical", graph), ("deploy", canonical(graph))):
            for step in rewrite(start, pipeline).steps:
                fired[step.rule.name][subject] += 1
                saved[step.rule.name].update(step.saves)
    for name, rule in RULES.items():
        most = ", ".join(f"{subject} {count}" for subject, count in fired[name].most_common(4))
        print(f"{name} ({rule.pipeline}): {rule.equation}")
        print(f"    fires {fired[name].total():,} times on {len(fired[name])} of them{': ' if most else ''}{most}")
        spared = ", ".join(f"{format_si(number)} {what}" for what, number in saved[name].items() if number)
        print(f"    saves {spared or 'nothing by itself'}")


if __name__ == "__main__":
    main(sys.argv[1:])
