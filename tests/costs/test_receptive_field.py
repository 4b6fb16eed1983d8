"""Receptive field: published figures, and the pixels that a gradient reaches from the centre of the output."""

from __future__ import annotations

import pytest
from compiler.graphs import network
from written import built, network as written_network

from blockspace import cost, load


def field(*steps: str, shape=(8, 64, 64)) -> int:
    return cost(built("\n".join(f"- {step}" for step in steps), shape)).receptive_field


def units(repeat: int, channels: int) -> list[str]:
    """A stage of TF-slim's ResNet: the stride is in its last unit."""
    return [f"{{block: resnet_bottleneck, out_channels: {channels}, stride: {s}}}" for s in (*[1] * (repeat - 1), 2)]


STEM, CONV, HALF = ["conv7x7: {out: 8, stride: 2}", "maxpool3x3: {stride: 2}"], "conv3x3: 8", "maxpool2x2: {stride: 2}"
# Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019, table of architectures
PUBLISHED = {
    "alexnet_v2": (195, ["conv11x11: {out: 8, stride: 4}", STEM[1], "conv5x5: 8", STEM[1], CONV, CONV, CONV, STEM[1]]),
    "vgg_16": (212, [step for repeat in (2, 2, 3, 3, 3) for step in [*[CONV] * repeat, HALF]]),
    "mobilenet_v1": (315, ["conv3x3: {out: 8, stride: 2}",
                           *[f"dwconv3x3: {{stride: {s}}}" for s in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)]]),
    "resnet_v1_50": (483, [*STEM, *units(3, 64), *units(4, 128), *units(6, 256),
                           "{block: resnet_bottleneck, repeat: 3, out_channels: 512}"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name):
    published, flow = PUBLISHED[name]
    assert field(*flow, shape=(3, 224, 224)) == published


def test_a_chain_by_the_formula():
    """k0 + (k - 1) times the product of the strides before."""
    nodes = cost(built("[conv5x5: {out: 8, stride: 2}, conv3x3: {out: 8, dilation: 2}, maxpool3x3: {stride: 2}, conv1x1: 8]")).per_node
    found = [nodes[name].receptive_field for name in ("input", "conv5x5.relu", "conv3x3.relu", "maxpool3x3", "conv1x1.relu")]
    assert found == [1, 5, 5 + 4 * 2, 13 + 2 * 2, 17] and [f.jump for f in found] == [1, 2, 2, 4, 4]


def test_the_largest_path_counts():
    assert field("branches: {a: [conv3x3: 8, conv3x3: 8], b: [conv3x3: 8], c: []}\n  merge: concat") == 5


def test_the_features_field_stands_before_global_pooling():
    net = written_network("input: [3, 32, 32]\nstem: [conv3x3: 8, conv3x3: 8]\nhead: [global_avgpool, linear: 10]")
    found = cost(net.graph())
    assert found.receptive_field == 5 and type(found.receptive_field) is int
    assert found.per_node["head.linear"].receptive_field == 32
    assert cost(load("resnet50").graph()).receptive_field == 427  # 11 after the stem, then 8, 16, 32 and 64 for each 3x3 of the stages


def test_a_gate_sees_everything_the_features_do_not():
    found = cost(network("se"))
    gate = next(node.receptive_field for name, node in found.per_node.items() if name.endswith("se.mul"))
    assert gate == 16 and gate.local == 5 and found.receptive_field == 11


def test_a_norm_of_each_position_sees_that_position():
    assert field("conv3x3: 8", "norm: layer") == 3
    whole = cost(built("[conv3x3: 8, norm: {norm: group, norm_groups: 1}]", (8, 64, 64))).per_node["norm"].receptive_field
    assert (whole, whole.local) == (64, 3)


CASES = {
    "conv": "[conv3x3: 8, conv5x5: {out: 8, stride: 2}, conv3x3: 8]",
    "dilated": "[conv3x3: {out: 8, dilation: 3}, conv3x3: 8]",
    "one side": "[conv1x7: 8, conv3x1: 8]",
    "pools": "[maxpool3x3: {stride: 2}, avgpool2x2: {stride: 2}, conv3x3: 8]",
    "shortcut": "[{block: resnet_bottleneck, out_channels: 8, stride: 2}, {block: resnet_bottleneck, out_channels: 8}]",
    "parts": "[{block: hs_block, splits: 4}]",
    "even and odd": "- branches: {a: [avgpool2x2: {stride: 2}], b: [maxpool3x3: {stride: 2}]}\n  merge: add\n- conv3x3: 8",
    "statistics": "[conv3x3: {out: 8, norm: group, norm_groups: 1, act: none}]",
    "adaptive": "[conv3x3: 8, adaptive_avgpool: 4]",
    "everything": "[conv3x3: 8, global_avgpool]",
    "flat": "[conv3x3: {out: 8, stride: 2}, flatten, linear: 3]",
}


@pytest.mark.parametrize("case", CASES)
def test_pixels_that_a_gradient_reaches(case):
    pytest.importorskip("torch")
    from measured import reached

    graph = built(CASES[case], (8, 48, 48))
    assert max(reached(graph)) == cost(graph).per_node[graph.output].receptive_field


@pytest.mark.parametrize("name", ["hs_block", "hs_bottleneck", "res2net", "resnet_bottleneck", "resnext", "resnext_a"])
def test_pixels_through_library_blocks(name):
    pytest.importorskip("torch")
    from measured import reached

    graph = load(name).graph((64, 24, 24))
    assert reached(graph) == (cost(graph).receptive_field,) * 2
