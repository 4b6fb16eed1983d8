"""Settled networks: an assignment written as a file of its own loads to the same graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import mistake, network

from blockspace import load
from blockspace.blocks import check_serialized, list_families, serialize_network
from blockspace.errors import BlockspaceError
from blockspace.searching import SearchSpace, Solver

SPACE = Path(__file__).parents[2] / "searchspaces" / "hs_vs_resnext.yaml"
GRAMMAR = Path(__file__).parent / "grammar" / "networks"
MINE = "format: blockspace/block/1\nblock: mine\nparams: {out_channels: 8, stride: 1, act: {default: silu, search: [silu, relu]}}\n"
MINE += "let: {mid: out_channels // 2}\nrequire: [out_channels % 2 == 0]\ndefaults: {act: act}\n"
MINE += "flow: [conv1x1: mid, {conv3x3: {out: out_channels, stride: stride}}]\n"


def same(net, values: dict, tmp_path) -> str:
    """The text, after it was found to load to the same graph and costs."""
    text = serialize_network(net, values)
    path = tmp_path / "settled.yaml"
    path.write_text(text)
    again = load(path)
    assert not again.holes.holes and not again.holes.unknowns
    graph, other = net.graph(values=values), again.graph()
    assert other.key() == graph.key() and list(other.nodes) == list(graph.nodes)
    return text


@pytest.mark.parametrize("name", list_families())
def test_library_networks(name, tmp_path):
    same(load(name), {}, tmp_path)


@pytest.mark.parametrize("path", sorted(GRAMMAR.glob("*.yaml")), ids=lambda p: p.stem)
def test_the_grammars_networks(path, tmp_path):
    net = load(path)
    space = SearchSpace(net)
    for seed in range(2 if space.holes else 1):
        same(net, space.random(seed), tmp_path)


def test_random_assignments_of_a_space(tmp_path):
    space = SearchSpace(load(SPACE))
    solver = Solver(space)
    for seed in range(20):
        values = space.random(seed)
        same(space.network, values | solver.solve(values, 6_000_000).values, tmp_path)


def test_settings_and_the_datas_shape_are_written_in(tmp_path):
    net = load(SPACE).fitted((3, 20, 20), 7)
    text = same(net, SearchSpace(net).random(3), tmp_path)
    assert "classes: 7" in text and "input: [3, 20, 20]" in text
    same(load("resnext50_32x4d", cardinality=16, width=6), {}, tmp_path)
    for block in ("hs", "resnext"):
        same(load(SPACE, block=block), {"block.resnext.cardinality": 4, "block.hs.splits": 3}, tmp_path)


def test_a_block_of_ones_own_becomes_a_part(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    text = """
    blocks: {mine: mine.yaml}
    params: {block: {default: a, search: {a: mine, b: {resnext: {cardinality: {search: [1, 2]}}}}}}
    defaults: {order: norm-act-conv, bias: true, act: gelu}
    input: [3, 8, 8]
    stem: [conv3x3: 8]
    stages: [{block: block, out_channels: 16, stride: 2}, {block: mine, out_channels: {search: [8, 16]}, act: relu}]
    head: [global_avgpool, linear: 10]
    """
    net = network(text, str(tmp_path / "n.yaml"))
    for seed in range(8):
        assert "mine.yaml" not in same(net, SearchSpace(net).random(seed), tmp_path)


WORDS = """
format: blockspace/block/1
block: words
params: {mode: {default: plain, search: [plain, wide]}, out_channels: 8, stride: 1}
flow: [conv3x3: {out: out_channels * 2 if mode == wide else out_channels, stride: stride}]
"""


def test_words_that_were_searched_keep_their_meaning(tmp_path):
    (tmp_path / "words.yaml").write_text(WORDS)
    text = """
    blocks: {words: words.yaml}
    params: {where: {default: nowhere, search: [nowhere, early]}, n: {search: [8, 12]}}
    parts: {p: {params: {wide: false}, flow: [conv1x1: 16 if wide else n]}}
    input: [3, 8, 8]
    stem: [p: {wide: where == early}, block: words]
    head: [{global_avgpool: {}, if: where != nowhere}, {linear: 10, if: where != nowhere}]
    """
    net = network(text, str(tmp_path / "n.yaml"))
    for where in ("nowhere", "early"):
        assert f"where:\n    default: {where}\n    words: [nowhere, early]\n" in same(net, {"where": where, "n": 12}, tmp_path)
    assert load(str(tmp_path / "settled.yaml"), where="nowhere").graph().output_shape == (8, 8, 8)
    assert mistake(load(str(tmp_path / "settled.yaml"), where="late").graph).code == "E-NAME"


def test_blocks_that_import_blocks(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    outer = "format: blockspace/block/1\nblock: outer\nblocks: {inner: mine.yaml}\nparts: {p: [inner]}\n"
    outer += "flow: [p, inner, {inner: {act: relu}}]\n"
    (tmp_path / "outer.yaml").write_text(outer)
    same(network("blocks: {o: outer.yaml}\ninput: [4, 8, 8]\nstages: [o]", str(tmp_path / "n.yaml")), {}, tmp_path)


def test_parts_and_their_holes(tmp_path):
    text = """
    params: {w: {search: [4, 8]}, word: {default: relu, search: [relu, silu]}}
    let: {v: w * 2}
    parts: {p: {params: {k: {default: 3, search: [3, 5]}, a: v}, flow: [conv: {k: k, out: a, act: word}]}, q: [p, {p: {k: 1}}]}
    input: [3, 8, 8]
    stages: [p, q]
    """
    net = network(text)
    assert list(net.holes.holes) == ["w", "word", "p.k"]
    for seed in range(6):
        same(net, SearchSpace(net).random(seed), tmp_path)


def test_untied_holes(tmp_path):
    text = """
    input: [12, 8, 8]
    stem:
      - split: {chunk: 3}
        each:
          - block: {default: a, untied: true, search: {a: [relu], none: [], c: [conv3x3: {out: {search: [4, 8]}}]}}
          - conv1x1: {out: {search: [4, 6], untied: true}}
        merge: concat
    head: [global_avgpool, linear: 10]
    """
    net = network(text)
    for seed in range(8):
        same(net, SearchSpace(net).random(seed), tmp_path)


def test_texts_that_yaml_would_misread(tmp_path):
    text = "doc: 'yes: no, 1:30'\nparams: {s: {search: [0.5, 1e-3]}, t: true}\ninput: [3, 8, 8]\n"
    text += "stem: [{conv3x3: {out: 4, bn_eps: s, bias: t}}]"
    net = network(text)
    for s in (0.5, 0.001):
        same(net, {"s": s}, tmp_path)


def test_a_library_name_cannot_be_shadowed(tmp_path):
    (tmp_path / "resnext.yaml").write_text(MINE)
    text = "blocks: {resnext: resnext.yaml}\ninput: [3, 8, 8]\nstages: [{block: resnext}]"
    assert mistake(network, text, str(tmp_path / "n.yaml")).code == "E-SHADOW"


CLASHES = {
    "parts of one name": (
        "parts: {unit: [conv3x3: out_channels]}\nflow: [unit]", "parts: {unit: [conv1x1: out_channels]}\nflow: [unit]", "",
    ),
    "blocks of one name": (
        "blocks: {inner: left_inner.yaml}\nflow: [inner]", "blocks: {inner: right_inner.yaml}\nflow: [inner]", "",
    ),
    "equal parts over unequal ones": (
        "parts: {unit: [core], core: [conv3x3: out_channels]}\nflow: [unit]",
        "parts: {unit: [core], core: [conv1x1: out_channels]}\nflow: [unit]", "",
    ),
    "a part of the network": (
        "parts: {unit: [conv3x3: out_channels]}\nflow: [unit]", "flow: [conv1x1: out_channels]",
        "parts: {unit: [conv5x5: same]}\nstem: [unit]",
    ),
    "a param of the network": (
        "parts: {unit: [conv3x3: out_channels]}\nflow: [unit]", "flow: [conv1x1: out_channels]",
        "params: {unit: 6}\nstem: [conv3x3: unit]",
    ),
    "a word of a block": (
        "let: {wide: mode == broad}\nflow: [conv3x3: 8 if wide else 4]", "flow: [conv1x1: out_channels]",
        "params: {broad: 6}\nstem: [conv3x3: broad]",
    ),
    "defaults of a block that calls another": (
        "defaults: {act: gelu}\nblocks: {inner: left_inner.yaml}\nflow: [inner]", "flow: [conv1x1: out_channels]", "",
    ),
    "defaults of a part that calls a block": (
        "flow: [conv3x3: out_channels]", "flow: [conv1x1: out_channels]",
        "parts: {own: {defaults: {act: gelu}, flow: [left: {out_channels: 8}]}}\nstem: [own]",
    ),
    "order and bias": (
        "flow: [conv3x3: out_channels]", "flow: [conv1x1: out_channels]", "defaults: {order: norm-act-conv, bias: true}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASHES)
def test_what_two_files_call_alike_stays_apart_in_one_file(case, tmp_path):
    *flows, own = CLASHES[case]
    for name, flow in zip(("left", "right"), flows):
        params = "{out_channels: 16, mode: {default: broad, search: [broad, slim]}}"
        (tmp_path / f"{name}.yaml").write_text(f"format: blockspace/block/1\nblock: unit\nparams: {params}\n{flow}\n")
        inner = "conv3x3" if name == "left" else "conv1x1"
        (tmp_path / f"{name}_inner.yaml").write_text(f"format: blockspace/block/1\nblock: inner\nflow: [{inner}: same]\n")
    text = f"blocks: {{left: left.yaml, right: right.yaml}}\ninput: [3, 8, 8]\n{own}\n"
    stages = "stages: [{block: left, out_channels: 8}, {block: right, out_channels: 8}]"
    net = network(text + stages, str(tmp_path / "n.yaml"))
    written = same(net, {}, tmp_path)
    assert "left.yaml" not in str(written)
    again = load(tmp_path / "settled.yaml")
    assert [(scope.path, scope.block) for scope in again.graph().scopes.values()] == [
        (scope.path, scope.block) for scope in net.graph().scopes.values()
    ]


def test_a_doc_that_is_no_text_is_left_out(tmp_path):
    net = network("doc: [one, two]\ninput: [3, 8, 8]\nstem: [conv1x1: 4]\nhead: [global_avgpool, linear: 10]")
    assert "doc" not in same(net, {}, tmp_path)


TWO = "input: [3, 8, 8]\nstem: [conv: {k: k, out: 8, act: act}]\n"
TWO += "params: {k: {default: 3, search: [1, 3]}, act: {default: relu, search: [relu, silu]}}"


def test_the_text_is_checked_against_the_graph():
    net = network(TWO)
    text = serialize_network(net, {"k": 1, "act": "silu"})
    check_serialized(text, net.graph(values={"k": 1, "act": "silu"}))
    with pytest.raises(BlockspaceError) as caught:
        check_serialized(text, net.graph(values={"k": 3, "act": "silu"}))
    assert [m.code for m in caught.value.mistakes] == ["E-SPACE"]


def test_a_canonical_graph_is_the_same_network():
    """Graphs of one canonical form are one network, whatever their structure."""
    written, other = network("input: [8, 8, 8]\nstem: [identity, relu]"), network("input: [8, 8, 8]\nstem: [relu]")
    check_serialized(serialize_network(written, {}), other.graph())


def test_a_text_that_does_not_load_says_why():
    with pytest.raises(BlockspaceError) as caught:
        check_serialized("format: blockspace/network/1\nnetwork: n\ninput: [3, 8, 8]\nstem: [nothing]\n", network(TWO).graph())
    assert [m.code for m in caught.value.mistakes] == ["E-OP"]
