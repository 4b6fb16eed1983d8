"""Keys: equal for one graph under other names and orders, different where shape or cost differ."""

from __future__ import annotations

import pytest

from blockspace import canonical, load
from blockspace.blocks import families
from blockspace.graph import Graph
from blockspace.passes import random_graph, relabelled, rewrite
from blockspace.passes.rewriting import totals

FEW, MANY = 1_000, 100_000


def check(seeds) -> None:
    """No split of one graph relabelled, no collision of different shapes or costs; and the form is at rest."""
    known: dict[str, tuple] = {}
    for seed in seeds:
        graph = random_graph(seed, size=4 + seed % 5)
        form = canonical(graph)
        key = form.key()
        assert relabelled(graph, seed).key() == key, f"seed {seed}: relabelled, it has another key"
        assert not rewrite(Graph.from_dict(form.as_dict())).steps, f"seed {seed}: rewritten again, it changes"
        costs = totals(form)
        found = (form.output_shape, costs["macs"], costs["params"], len(form))
        assert known.setdefault(key, found) == found, f"seed {seed}: its key is that of another network"


def test_random_graphs():
    check(range(FEW))


@pytest.mark.slow
def test_very_many_random_graphs():
    check(range(FEW, FEW + MANY))


def test_no_two_library_networks_are_one():
    keys = {name: load(name).graph().key() for name in families()}
    assert len(set(keys.values())) == len(keys)
