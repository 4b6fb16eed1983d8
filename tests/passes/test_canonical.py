"""The canonical form: what only hands a value on is gone; shape, cost and key stay."""

from __future__ import annotations

import pytest
from written import built

from blockspace import canonical, cost, load
from blockspace.blocks import families


@pytest.mark.parametrize("name", families())
def test_library_networks(name):
    graph = load(name).graph()
    found = canonical(graph).verify()
    assert found.output_shape == graph.output_shape and found.key() == graph.key()
    assert cost(found).as_dict() == cost(graph).as_dict()
    assert all(node.call is not None for node in found if node.kind != "input")
    assert canonical(found).as_dict() == found.as_dict()
    assert set(found.nodes) <= set(graph.nodes)


def test_identities_are_dropped():
    graph = canonical(built("- identity\n- branches: {a: [relu], b: [identity]}\n  merge: add\n- identity"))
    assert [node.op.name for node in graph] == ["input", "relu", "add"] and graph.output == "add"


def test_nothing_but_identities():
    graph = canonical(built("[identity, identity]"))
    assert len(graph) == 1 and graph.output == "input"


def test_scopes_follow_their_values():
    graph = canonical(built("[identity, hs_block: {splits: 2}]"))
    assert graph.scopes["hs_block"].input == "input"
