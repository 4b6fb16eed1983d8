"""Lists of numbers as values: two for height and width wherever an operation takes one or two, more for the sizes of a split."""

from __future__ import annotations

import pytest
from written import block, mistake, network

from blockspace import load
from blockspace.blocks import serialize_network
from blockspace.searching import SearchSpace

TAIL = "head: [global_avgpool, linear: 10]"


def convs(graph) -> list:
    return [node.op for node in graph if node.op.name == "conv"]


@pytest.mark.parametrize(
    "step",
    [
        "{block: conv3x5, out: 9, stride: [2, 1]}",
        "{block: conv3x5, out: 9, stride: [2, 1], repeat: 2}",
        "{block: conv3x5, out: 9, stride: [two, 1]}",
        "{block: conv3x5, out: 9, stride: pair}",
        "{block: conv3x5, out: 9, stride: steps}",
        "{block: conv, k: [3, 5], out: 9, stride: [2, 1]}",
        "conv3x5: {out: 9, stride: pair}",
        "{block: [conv3x5: {out: 9, stride: stride}], stride: [2, 1]}",
        "{block: {if: two == 2, then: [conv3x5: {out: 9, stride: pair}], else: none}}",
        "{block: own, stride: [2, 1]}",
        "{block: own, stride: pair, repeat: 1}",
        "own: {stride: [2, 1]}",
        "own: {stride: pair}",
        "{block: held, stride: [2, 1]}",
    ],
)
def test_a_stride_for_each_direction(step):
    text = f"""
    params: {{two: 2, pair: [2, 1], steps: {{default: [two, 1], doc: each}}, held: [conv3x5: {{out: 9, stride: stride}}]}}
    parts: {{own: {{params: {{stride: 1}}, flow: [conv3x5: {{out: 9, stride: stride}}]}}}}
    input: [1, 32, 16]
    stages:
      - {step}
    {TAIL}
    """
    found = convs(network(text).graph())
    assert found[0].stride == (2, 1) and all(op.stride == (1, 1) for op in found[1:])


@pytest.mark.parametrize("key", ["k", "stride", "dilation", "padding"])
@pytest.mark.parametrize("given", ["[3, 1]", "pair", "{default: [3, 1], search: [2, [3, 1]]}", "{search: {tall: [3, 1], square: 2}}"])
def test_every_size_of_a_convolution_may_be_a_list(key, given):
    size = "" if key == "k" else "k: 3, "
    op = convs(block(f"[conv: {{{size}out: 4, {key}: {given}}}]", "params: {pair: [3, 1]}").graph((4, 32, 32)))[0]
    assert getattr(op, {"k": "kernel"}.get(key, key)) == (3, 1)


@pytest.mark.parametrize("pool", ["maxpool3x3", "avgpool3x3"])
def test_a_pools_stride_and_padding_may_be_lists(pool):
    op = block(f"[{pool}: {{stride: s, padding: [1, 0]}}]", "params: {s: [2, 1]}").graph((4, 16, 16)).nodes[pool].op
    assert (op.stride, op.padding) == ((2, 1), (1, 0))


@pytest.mark.parametrize("name", ["resnet_basic", "resnet_bottleneck", "resnest_bottleneck", "mbconv", "mobilenet_v3", "resnet_preact"])
def test_library_blocks_stride_by_a_list(name):
    graph = load(name, out_channels=32, stride=[2, 1]).graph((16, 16, 16))
    assert graph.output_shape == (32, 8, 16)
    keys = [load(name, out_channels=32, stride=stride).graph((16, 16, 16)).key() for stride in (2, [2, 2])]
    assert keys[0] == keys[1]


def test_one_for_each_direction_is_one_stride():
    own, both = (load("mbconv", out_channels=16, stride=stride).graph((16, 16, 16)) for stride in (1, [1, 1]))
    assert own.key() == both.key(), "`stride == 1` holds of [1, 1]"


SPACE = f"""
params: {{step: {{default: 1, search: [1, [2, 1], [2, 2]]}}, width: 8}}
input: [1, 16, 16]
stages: [{{block: conv3x3, out: width, stride: step}}, {{block: conv3x3, out: 8, stride: {{search: [[1, 2], 2]}}}}]
{TAIL}
"""


def test_lists_are_choices_of_a_search(tmp_path):
    net = network(SPACE)
    space = SearchSpace(net)
    assert space.choices("step") == [1, "[2, 1]", "[2, 2]"] and space.choices("stage2.stride") == ["[1, 2]", 2]
    assert [op.stride for op in convs(space.graph({"step": "[2, 1]", "stage2.stride": 2}))] == [(2, 1), (2, 2)]
    assert [op.stride for op in convs(net.graph())] == [(1, 1), (1, 2)]
    path = tmp_path / "settled.yaml"
    path.write_text(serialize_network(net, {"step": "[2, 1]", "stage2.stride": "[1, 2]"}))
    assert [op.stride for op in convs(load(path).graph())] == [(2, 1), (1, 2)] and not len(load(path).open)


@pytest.mark.parametrize("given", [[2, 1], (2, 1), "[2, 1]", "[2,1]", " [ 2 , 1 ]"])
def test_lists_are_given_from_python_and_the_command_line(given):
    assert [op.stride for op in convs(network(SPACE, step=given).graph())] == [(2, 1), (1, 2)]
    assert [op.stride for op in convs(network(SPACE, **{"stage2.stride": [1, 2]}, step=given).graph())] == [(2, 1), (1, 2)]


def test_a_variant_may_set_a_list():
    text = "params: {step: 1}\nvariants: {tall: {step: [2, 1]}}\ninput: [1, 16, 16]\nstages: [conv3x3: {out: 8, stride: step}]\n" + TAIL
    assert convs(network(text, variant="tall").graph())[0].stride == (2, 1)


def test_the_sizes_of_a_split_may_be_a_param():
    flow = "[{split: {sizes: widths}, each: [relu], merge: concat}]"
    graph = block(flow, "params: {widths: [2, 2, 4]}").graph((8, 4, 4))
    assert [graph.nodes[f"split{i}"].shape[0] for i in (1, 2, 3)] == [2, 2, 4]
    graph = block(flow.replace("sizes", "shares"), "params: {widths: [1, 3]}").graph((8, 4, 4))
    assert [graph.nodes[f"split{i}"].shape[0] for i in (1, 2)] == [2, 6]


@pytest.mark.parametrize(
    "step, said",
    [
        ("conv3x3: pair", "conv3x3: out must be an integer, got [2, 1]"),
        ("conv3x3: {out: 4, groups: pair}", "conv3x3: groups must be an integer, got [2, 1]"),
        ("conv3x3: {out: 4, stride: [2, 1, 1]}", "conv3x3: stride is one number or two (height, width), got 3"),
        ("conv3x3: {out: 4, stride: [2]}", "conv3x3: stride is one number or two (height, width), got 1"),
        ("conv3x3: {out: pair * 2}", "'pair * 2' mixes words and numbers: pair = [2, 1]"),
        ("{repeat: pair, do: [relu]}", "repeat must be an integer, got [2, 1]"),
        ("{block: conv3x3, out: 4, stride: [2, relu]}", "conv3x3: stride must be an integer, got relu"),
        ("{block: pair}", "a block was expected, got [2, 1]"),
        ("conv3x3: {out: 4, stride: {default: a, search: {a: b, b: a}}}", "unknown name 'b'"),
        ("conv3x3: {out: 4, stride: loop}", "conv3x3: stride: turn stands for itself"),
    ],
)
def test_a_list_where_one_number_is_taken_is_said(step, said):
    found = mistake(block(f"- {step}", "params: {pair: [2, 1], loop: {default: turn, search: {turn: loop, on: 2}}}").graph)
    assert said in found.message and found.mark is not None
