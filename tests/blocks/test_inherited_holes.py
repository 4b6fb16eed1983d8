"""Holes that a use inherits from its block, and holes in a network's input."""

from __future__ import annotations

import pytest
from written import network

from blockspace import load
from blockspace.blocks import serialize_network
from blockspace.costs import cost
from blockspace.searching import SearchSpace, Solver

TAIL = "head: [global_avgpool, linear: 10]"


# -- inherited -----------------------------------------------------------------------------------------------------------------------------

FAR = """
format: blockspace/block/1
block: far
params:
  out_channels: 16
  far: {default: 2, search: [1, 2, 3]}
  side: {default: far + 1, search: [1, 3, 5]}
  gap: {search: 4..6}
  act: {default: gelu, search: [relu, gelu]}
  op: {default: deep, search: {flat: [conv1x1: same], deep: [conv3x3: {out: same, dilation: far}]}}
flow: [conv: {k: side, out: out_channels, dilation: far, act: act, groups: gap // 4}, block: op]
"""


def inheriting(tmp_path, settings: str, more: str = "params: {far: 1}"):
    (tmp_path / "far.yaml").write_text(FAR)
    text = f"blocks: {{own: far.yaml}}\n{more}\ninput: [4, 16, 16]\nstages: [{{block: own, out_channels: 8{settings}}}]\n{TAIL}"
    return network(text, str(tmp_path / "n.yaml"))


@pytest.mark.parametrize(
    "setting, default", [("far", 2), ("side", "far + 1"), ("gap", 4), ("act", "gelu"), ("op", "deep")],
)  # fmt: skip
def test_an_inherited_hole_has_the_blocks_own_default(setting, default, tmp_path):
    own, net = inheriting(tmp_path, "").graph(), inheriting(tmp_path, f", {setting}: {{search: inherit}}")
    assert net.holes.holes[f"stage1.{setting}"].default == default
    assert net.graph().key() == own.key(), "read in the block's names, not in those of the network, whose `far` is 1"
    assert net.graph(values=SearchSpace(net).default()).key() == own.key()
    path = tmp_path / "settled.yaml"
    path.write_text(serialize_network(net, {}))
    assert load(path).graph().key() == own.key() and not len(load(path).open)


def test_a_setting_may_be_called_like_a_block(tmp_path):
    (tmp_path / "far.yaml").write_text(FAR)
    text = f"blocks: {{far: far.yaml}}\ninput: [4, 16, 16]\nstages: [{{block: far, out_channels: 8, far: {{search: inherit}}}}]\n{TAIL}"
    assert network(text, str(tmp_path / "n.yaml")).holes.holes["stage1.far"].default == 2


def test_an_inherited_alternative_is_read_in_the_blocks_names(tmp_path):
    net = inheriting(tmp_path, ", op: {default: flat, search: inherit}")
    dilations = [node.op.dilation for node in net.graph(values={"stage1.op": "deep"}) if node.op.name == "conv"]
    assert dilations == [(2, 2), (2, 2)], "the block's far is 2, the network's 1"


def test_a_blocks_own_use_of_another_inherits_its_default(tmp_path):
    outer = "format: blockspace/block/1\nblock: outer\nblocks: {own: far.yaml}\nflow: [own: {out_channels: 8, far: {search: inherit}}]\n"
    (tmp_path / "outer.yaml").write_text(outer)
    own = inheriting(tmp_path, "")
    net = network(f"blocks: {{outer: outer.yaml}}\ninput: [4, 16, 16]\nstages: [outer]\n{TAIL}", str(tmp_path / "n.yaml"))
    assert net.graph().key() == own.graph().key() and not net.holes.holes


def test_what_a_condition_chooses_may_be_inherited(tmp_path):
    net = inheriting(tmp_path, ", far: {if: base == 1, then: {search: inherit}, else: 3}", "params: {base: {default: 1, search: [1, 2]}}")
    assert net.holes.holes["stage1.far"].default == 2
    assert net.graph().key() == inheriting(tmp_path, "").graph().key()
    assert net.graph(values={"base": 2}).key() == inheriting(tmp_path, ", far: 3").graph().key()


def test_a_hole_without_a_default_is_written_at_its_first_value(tmp_path):
    net = network(f"params: {{w: {{search: [4, 8]}}, n: {{search: 2..3}}, s: {{solve: macs, range: 5..9}}}}\ninput: [3, 8, 8]\n"
                  f"stem: [conv1x1: w, conv1x1: s, {{repeat: n, do: [conv3x3: 8]}}]\n{TAIL}")  # fmt: skip
    path = tmp_path / "settled.yaml"
    path.write_text(serialize_network(net, {}))
    assert load(path).graph().key() == net.graph().key() and not len(load(path).open)


# -- the input's size ----------------------------------------------------------------------------------------------------------------------

SIZED = {
    "params": ("params: {size: {default: 16, search: [16, 24, 32]}}\ninput: [3, size, size]", "size"),
    "a let": ("params: {size: {default: 16, search: [16, 24, 32]}}\nlet: {side: size}\ninput: [3, side, side]", "size"),
    "itself": ("input: [3, {default: 16, search: [16, 24, 32]}, 16]", "input.height"),
    "channels": ("params: {c: {default: 16, search: [16, 24, 32]}}\ninput: [c, 8, 8]", "c"),
    "an unknown": ("params: {size: {solve: macs, range: 16..32 step 8}}\ninput: [3, size, size]", "size"),
}


@pytest.mark.parametrize("case", SIZED)
def test_a_hole_may_size_the_input(case):
    text, name = SIZED[case]
    net = network(f"{text}\nstem: [conv3x3: 8]\nstages: [{{block: resnet_basic, out_channels: 16, stride: 2}}]\n{TAIL}")
    space = SearchSpace(net)
    assert net.sized_by == {name} and net.graph().input_shape == net.input_shape
    solver = Solver(space)
    for value in (16, 24, 32):
        graph = space.graph({name: value})
        assert value in graph.input_shape and solver.cost({name: value}).macs == cost(graph).macs
        again = network(serialize_network(net, {name: value}).partition("network: n\n")[2])
        assert again.graph().key() == graph.key()


def test_an_input_that_the_data_decides_is_sized_by_nothing():
    net = network(f"{SIZED['params'][0]}\nstem: [conv3x3: 8]\n{TAIL}").fitted((1, 8, 8), 10)
    assert not net.sized_by and net.graph(values={"size": 32}).input_shape == (1, 8, 8)
