"""Graphs: shapes from birth, one output a node, what never holds is refused."""

from __future__ import annotations

import pytest
from written import built

from blockspace import load
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import OPS, Add, Concat, Conv


def small() -> Graph:
    graph = Graph((4, 8, 8), "small")
    graph.add(Conv(4, 4, (1, 1)), "input", name="a.conv")
    graph.add(OPS["relu"](), "input", name="b")
    graph.add(Add(), "a.conv", "b", name="add")
    return graph


def code(act) -> str:
    with pytest.raises(BlockspaceError) as caught:
        act()
    return caught.value.mistakes[0].code


def test_kinds_and_shapes():
    graph = built("- branches: {a: [conv3x3: same], b: []}\n  merge: concat")
    assert {node.kind for node in graph} == {"input", "split", "transform", "merge"}
    assert all(node.shape for node in graph) and graph.output_shape == (16, 8, 8)


def test_what_cannot_be_added():
    graph = small()
    assert code(lambda: graph.add(OPS["relu"](), "input", name="b")) == "E-NAME"
    assert code(lambda: graph.add(OPS["relu"](), "gone", name="c")) == "E-REF"
    assert code(lambda: graph.add(OPS["relu"](), "a.conv", "b", name="c")) == "E-SHAPE"
    assert code(lambda: graph.add(Conv(3, 4, (1, 1)), "input", name="c")) == "E-SHAPE"
    assert {code(lambda op=op: graph.add(op, name="c")) for op in (Add(), Concat(), OPS["max"](), OPS["mul"]())} == {"E-SHAPE"}
    assert code(lambda: graph.add(OPS["relu"](), "input", name="a b")) == "E-NAME"
    assert len(graph) == 4 and graph.verify() is graph


def test_one_value_in_two_slots():
    graph = small()
    graph.add(Concat(), "add", "add", name="twice")
    assert graph["twice"].inputs == ("add", "add") and graph.nx.number_of_edges("add", "twice") == 2
    assert sorted(key for *_, key in graph.nx.in_edges("twice", keys=True)) == [0, 1]


def test_a_node_that_reaches_nothing():
    graph = small()
    graph.output = "b"
    assert code(graph.verify) == "E-DANGLING"


def test_networkx_sees_the_same_graph():
    networkx = pytest.importorskip("networkx")
    graph = load("hs_bottleneck").graph((256, 56, 56))
    assert isinstance(graph.nx, networkx.MultiDiGraph) and networkx.is_directed_acyclic_graph(graph.nx)
    assert set(graph.nx.nodes) == set(graph.nodes)
    assert all(data["shape"] == graph[name].shape and data["kind"] == graph[name].kind for name, data in graph.nx.nodes(data=True))
    assert all(graph[target].inputs[slot] == source for source, target, slot in graph.nx.edges(keys=True))
    with pytest.raises(networkx.NetworkXError):
        graph.nx.add_node("x")


def test_keys():
    assert load("resnet50").graph().key() == load("resnet50").graph().key()
    assert load("resnet50").graph().key() != load("resnext50_32x4d").graph().key()
    assert load("resnet50").graph().key() != load("resnet50").graph((3, 192, 192)).key()
    assert (
        built("- conv3x3: 8").key()
        == built("[{conv3x3: 8, name: other}]").key()
        == built("- {repeat: 1, do: [identity, conv3x3: 8]}").key()
    )
    assert built("- conv3x3: 8").key() != built("- conv3x3: {out: 8, bn_momentum: 0.2}").key()
    assert built("- conv3x3: 8").key().startswith("v3:")


def test_saved_graphs():
    graph = load("res2net").graph((256, 8, 8))
    again = Graph.from_dict(graph.as_dict())
    assert again.as_dict() == graph.as_dict() and again.scopes == graph.scopes
    assert code(lambda: Graph.from_dict({"format": "other"})) == "E-FILE"
    data = graph.as_dict()
    data["nodes"][0] = data["nodes"][0] | {"op": "nothing"}
    assert code(lambda: Graph.from_dict(data)) == "E-OP"


def test_names_are_paths_of_the_yaml():
    names = load("resnext50_32x4d").graph().nodes
    assert {"stem.conv7x7.conv", "stage1.block1.main.conv3x3.conv", "stage4.block3.relu", "head.linear"} <= set(names)


def test_scopes_are_uses_of_blocks():
    scopes = load("hs_resnet50").graph().scopes
    assert scopes["stage1.block1"].block == "hs_bottleneck" and scopes["stage1.block1"].input == "stem.maxpool3x3"
    assert sum(scope.block == "hs_block" for scope in scopes.values()) == 13
