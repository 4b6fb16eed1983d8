"""Graphs as networkx holds them: exact round trips, and every mistake of a dag with its code, naming node and edge."""

from __future__ import annotations

import json

import networkx as nx
import pytest

import blockspace as bs
from blockspace.graph import Graph, as_graph, from_nx, load_node_link, to_node_link
from blockspace.graph.networkx_io import from_node_link
from blockspace.ops import OPS, Add, Conv, Input

GRAPHS = {"hs_bottleneck": (256, 56, 56), "res2net": (256, 8, 8), "resnet20": None, "se": (64, 8, 8), "inception_v1": (192, 28, 28)}


def graph_of(name: str) -> Graph:
    shape = GRAPHS[name]
    template = bs.load(name)
    return template.graph(shape) if shape else template.graph()


def residual() -> nx.MultiDiGraph:
    """A residual block of plain data."""
    dag = nx.MultiDiGraph(name="residual")
    dag.add_node("input", op="input", size=(16, 8, 8))
    dag.add_node("conv", op="conv", out_channels=16, kernel=3, padding=1)
    dag.add_node("norm", op="batch_norm")
    dag.add_node("add", op="add")
    dag.add_edges_from([("input", "conv", 0), ("conv", "norm", 0), ("norm", "add", 0), ("input", "add", 1)])
    return dag


def same(a: Graph, b: Graph) -> bool:
    return a.as_dict() == b.as_dict() and a.key() == b.key() and [n.shape for n in a] == [n.shape for n in b]


@pytest.mark.parametrize("name", GRAPHS)
def test_round_trips(name):
    graph = graph_of(name)
    assert same(bs.from_nx(graph.nx), graph)
    assert nx.utils.graphs_equal(bs.from_nx(graph.nx).nx, graph.nx)
    data = json.loads(json.dumps(to_node_link(graph)))
    assert same(from_node_link(data), graph)
    assert same(from_nx(nx.node_link_graph(data, edges="edges")), graph)
    ours = json.dumps(nx.node_link_data(graph.nx, edges="links"), default=lambda op: op.as_dict())  # as networkx before 3.6 wrote it
    assert same(from_node_link(json.loads(ours)), graph)


def test_plain_data_is_a_graph():
    graph = from_nx(residual())
    assert graph["conv"].op == Conv(16, 16, (3, 3), padding=(1, 1)) and graph["norm"].op == OPS["batch_norm"](16)
    assert graph.output == "add" and graph["add"].inputs == ("norm", "input") and graph.name == "residual"


def test_order_is_kept_as_far_as_it_can_be():
    dag = residual()
    late = nx.MultiDiGraph(name="residual")
    late.add_nodes_from(reversed(list(dag.nodes(data=True))))
    late.add_edges_from(dag.edges(keys=True))
    assert list(from_nx(late).nodes) == ["input", "conv", "norm", "add"]


def test_an_edited_copy():
    dag = nx.MultiDiGraph(bs.load("resnet_basic").graph((16, 8, 8)).nx)
    last = next(name for name in dag if not dag.out_degree(name))
    dag.add_node("extra", op="relu")
    dag.add_edge(last, "extra")
    graph = from_nx(dag)
    assert graph.output == "extra" and len(graph) == len(dag)
    dag.remove_node("extra")
    assert from_nx(dag).key() == bs.load("resnet_basic").graph((16, 8, 8)).key()


def test_verbs_take_a_dag():
    dag, graph = residual(), from_nx(residual())
    assert bs.cost(dag).as_dict() == bs.cost(graph).as_dict()
    assert bs.canonical(dag).key() == bs.deploy(dag).written.key() == graph.key()
    assert bs.to_source(dag) == bs.to_source(graph)
    assert list(bs.compile(dag).state_dict()) == list(bs.compile(graph).state_dict())
    assert as_graph(graph) is graph


def without_op(dag):
    del dag.nodes["norm"]["op"]


def renamed(dag, old, new):
    nx.relabel_nodes(dag, {old: new}, copy=False)


WRONG = {  # what is done to the residual block: code, and what the message names
    "unknown op": (lambda d: d.add_node("conv", op="convv"), "E-OP", "node 'conv': unknown op 'convv'"),
    "no op": (without_op, "E-KEY", "node 'norm' has no op"),
    "misspelt edge": (lambda d: d.add_edge("norn", "add", key=2), "E-KEY", "node 'norn' has no op"),
    "unknown attribute": (lambda d: d.add_node("conv", k=3), "E-KEY", "node 'conv': conv has no attribute 'k'"),
    "missing attribute": (lambda d: d.nodes["conv"].pop("kernel"), "E-KEY", "node 'conv': conv needs the attribute 'kernel'"),
    "wrong attribute": (lambda d: d.add_node("conv", kernel="3"), "E-TYPE", "node 'conv': kernel should be a whole number, or"),
    "zero stride": (lambda d: d.add_node("conv", stride=0), "E-TYPE", "node 'conv': stride should be"),
    "three paddings": (lambda d: d.add_node("conv", padding=[1, 1, 1]), "E-TYPE", "node 'conv': padding should be"),
    "a bool for a number": (lambda d: d.add_node("conv", out_channels=True), "E-TYPE", "out_channels should be"),
    "a number for a bool": (lambda d: d.add_node("conv", bias=1), "E-TYPE", "bias should be true or false, got 1"),
    "wrong kind": (lambda d: d.add_node("add", kind="transform"), "E-TYPE", "node 'add': kind is 'transform', but add is a merge"),
    "double slot": (lambda d: d.add_edge("conv", "add", key=0), "E-REF", "edge 'conv' -> 'add': slot 0 is fed by 'norm' already"),
    "missing slot": (lambda d: d.add_edge("conv", "add", key=3), "E-REF", "node 'add': nothing feeds slot 2"),
    "slot 10**30": (lambda d: d.add_edge("conv", "add", key=10**30), "E-REF", "node 'add': nothing feeds slot 2"),
    "slot by name": (lambda d: d.add_edge("conv", "add", key="x"), "E-TYPE", "edge 'conv' -> 'add': the key is the argument slot"),
    "slot -1": (lambda d: d.add_edge("conv", "add", key=-1), "E-TYPE", "edge 'conv' -> 'add'"),
    "cycle": (lambda d: (d.remove_edge("input", "conv"), d.add_edge("add", "conv")), "E-REF", "a cycle: "),
    "two outputs": (lambda d: (d.add_node("relu", op="relu"), d.add_edge("conv", "relu")), "E-DANGLING", "'add', 'relu'"),
    "no input": (lambda d: d.remove_node("input"), "E-REF", "no node has op 'input'"),
    "two inputs": (lambda d: (d.add_node("x", op="input", size=(1, 8, 8)), d.add_edge("x", "add", key=2)), "E-REF", "'input', 'x'"),
    "input by another name": (lambda d: renamed(d, "input", "x"), "E-NAME", "node 'x': the input is called 'input'"),
    "input without a size": (lambda d: d.nodes["input"].pop("size"), "E-KEY", "node 'input': input needs the attribute 'size'"),
    "input of a wrong size": (lambda d: d.add_node("input", size=(16, 0, 8)), "E-TYPE", "node 'input': size should be (C, H, W)"),
    "a fed input": (lambda d: d.add_edge("conv", "input"), "E-REF", "a cycle: "),
    "a node that reads nothing": (lambda d: (d.add_node("r", op="relu"), d.add_edge("r", "add", key=2)), "E-REF", "node 'r' reads nothing"),
    "two edges into one": (lambda d: d.add_edge("input", "norm", key=1), "E-SHAPE", "node 'norm': batch_norm takes 1 input, got 2"),
    "shapes": (lambda d: d.add_node("conv", out_channels=8), "E-SHAPE", "node 'add': add needs equal channels"),
    "groups": (lambda d: d.add_node("conv", groups=3), "E-GROUPS", "node 'conv': conv3x3: 16 input channels do not divide"),
    "stale channels": (lambda d: d.add_node("conv", op=Conv(8, 16, (1, 1))), "E-SHAPE", "node 'conv': conv1x1 was made for 8 channels"),
    "a number for a name": (lambda d: renamed(d, "norm", 3), "E-NAME", "node 3: a name is a text, not an int"),
    "a name with a space": (lambda d: renamed(d, "norm", "a b"), "E-NAME", "node 'a b': 'a b' is not a name"),
    "scopes": (lambda d: d.graph.update(scopes=[1]), "E-TYPE", "scopes"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes(case):
    edit, code, text = WRONG[case]
    dag = residual()
    edit(dag)
    with pytest.raises(bs.BlockspaceError) as caught:
        from_nx(dag)
    first = caught.value.mistakes[0]
    assert first.code == code and text in first.message, caught.value
    assert len(caught.value.mistakes) == 1, caught.value  # one cause, one message


def test_all_mistakes_at_once():
    dag = residual()
    dag.add_node("conv", op="convv")
    dag.add_node("norm", momentum="x")
    dag.add_edge("conv", "add", key=0)
    dag.add_node("end", op="part", start=0, stop=32)
    dag.add_edge("input", "end")
    with pytest.raises(bs.BlockspaceError) as caught:
        from_nx(dag)
    assert sorted(mistake.code for mistake in caught.value.mistakes) == ["E-DANGLING", "E-OP", "E-REF", "E-SPLIT", "E-TYPE"]


@pytest.mark.parametrize(
    "value, text, help",
    [
        (nx.DiGraph(), "expected a networkx.MultiDiGraph, got DiGraph", "networkx.MultiDiGraph(dag)"),
        (nx.MultiGraph(), "expected a directed networkx.MultiDiGraph, got MultiGraph", "from input to output"),
        (bs.load("se"), "got a Block", ".graph((C, H, W))"),
        ("resnet50", "got 'resnet50'", "bs.load('resnet50').graph()"),
    ],
)
def test_what_is_not_a_multidigraph(value, text, help):
    for verb in (bs.from_nx, bs.cost, bs.compile, bs.to_source, bs.canonical, bs.deploy):
        with pytest.raises(bs.BlockspaceError) as caught:
            verb(value)
        (mistake,) = caught.value.mistakes
        assert mistake.code == "E-TYPE" and text in mistake.message and help in mistake.help


def test_too_many_nodes(monkeypatch):
    monkeypatch.setattr("blockspace.graph.networkx_io.MAX_NODES", 3)
    with pytest.raises(bs.BlockspaceError, match="more than 3 nodes"):
        from_nx(residual())


FILES = {
    "not JSON": ("{", "E-FILE"),
    "nested too deep": ("[" * 100_000, "E-FILE"),
    "a list": ("[]", "E-FILE"),
    "our own form": (json.dumps(bs.load("se").graph((64, 8, 8)).as_dict()), "E-NAME"),
    "a list as name": ('{"directed": true, "multigraph": true, "nodes": [{"id": [1]}], "edges": []}', "E-NAME"),
    "a list as key": ('{"nodes": [{"id": "a"}], "edges": [{"source": "a", "target": "a", "key": []}]}', "E-TYPE"),
    "one name twice": ('{"directed": true, "multigraph": true, "nodes": [{"id": "a"}, {"id": "a"}], "edges": []}', "E-NAME"),
    "undirected": ('{"directed": false, "multigraph": true, "nodes": [], "edges": []}', "E-TYPE"),
    "single edges": ('{"directed": true, "multigraph": false, "nodes": [], "edges": []}', "E-TYPE"),
    "edges that are none": ('{"directed": true, "multigraph": true, "nodes": [], "edges": 3}', "E-NAME"),
    "attributes that are none": ('{"directed": true, "multigraph": true, "graph": 3, "nodes": [], "edges": []}', "E-FILE"),
}


@pytest.mark.parametrize("case", FILES)
def test_files(case, tmp_path):
    text, code = FILES[case]
    path = tmp_path / "dag.json"
    path.write_text(text)
    with pytest.raises(bs.BlockspaceError) as caught:
        load_node_link(path)
    assert caught.value.mistakes[0].code == code and str(path) in caught.value.mistakes[0].message
    with pytest.raises(bs.BlockspaceError, match="cannot read"):
        load_node_link(tmp_path / "none.json")


def test_the_dag_is_left_alone():
    dag = residual()
    before = nx.MultiDiGraph(dag)
    from_nx(dag)
    assert nx.utils.graphs_equal(dag, before)


def test_a_recorded_shape_that_the_op_contradicts():
    from dataclasses import replace

    graph = from_nx(residual())
    graph.nodes["conv"] = replace(graph["conv"], shape=(32, 8, 8))
    with pytest.raises(bs.BlockspaceError, match="conv: recorded shape 32x8x8, but Conv infers 16x8x8"):
        graph.verify()


def test_ops_may_be_instances():
    dag = nx.MultiDiGraph()
    dag.add_node("input", op=Input((4, 8, 8)))
    dag.add_node("a", op=Conv(4, 4, (1, 1)))
    dag.add_node("b", op=Add(), color="red")  # what is not the op's is left to whoever put it there
    dag.add_edges_from([("input", "a", 0), ("a", "b", 0), ("input", "b", 1)])
    assert bs.cost(dag).params == 16
