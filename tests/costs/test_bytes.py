"""Bytes: the formula and guidelines of ShuffleNetV2, and the operands of torch's own operators."""

from __future__ import annotations

import pytest
from subjects import subject, subjects, torch_says
from written import built

from blockspace import cost
from blockspace.ops import OPS, Add, BatchNorm, Concat, Conv, Linear, Max, Mul


def spent(op, *shapes) -> int:
    """Bytes of one op on an input of this shape (given to each of its slots)."""
    return op.bytes(list(shapes), op.shape(*shapes))


@pytest.mark.parametrize("c1, c2, size", [(24, 24, 56), (12, 48, 56), (244, 244, 14), (64, 256, 7)])
def test_a_1x1_convolution_by_the_papers_formula(c1, c2, size):
    """Section 2, G1: B = hw c1 c2 and MAC = hw(c1 + c2) + c1 c2."""
    conv, area = Conv(c1, c2, (1, 1)), size * size
    assert spent(conv, (c1, size, size)) == 4 * (area * (c1 + c2) + c1 * c2)
    assert conv.macs((c2, size, size)) == area * c1 * c2


def test_equal_widths_move_least():
    """G1: at equal macs, the bound MAC >= 2 sqrt(hw B) + B / hw is met where c1 = c2."""
    area, ratios = 56 * 56, {1: (128, 128), 2: (90, 180), 6: (52, 312), 12: (36, 432)}  # table 1 of the paper
    found = [spent(Conv(c1, c2, (1, 1)), (c1, 56, 56)) for c1, c2 in ratios.values()]
    assert found == sorted(found)
    macs = area * 128 * 128
    assert found[0] / 4 == pytest.approx(2 * (area * macs) ** 0.5 + macs / area)


@pytest.mark.parametrize("groups, channels", [(1, 128), (2, 180), (4, 256), (8, 360)])
def test_groups_move_more(groups, channels):
    """G2: MAC = hw(c1 + c2) + c1 c2 / g; table 2's widths keep the macs."""
    conv = Conv(channels, channels, (1, 1), groups=groups)
    assert spent(conv, (channels, 56, 56)) == 4 * (56 * 56 * 2 * channels + channels * channels // groups)


def test_fragments_and_pointwise_ops_move_more():
    """G3: two branches of half the macs read the input twice. G4: a relu and an add move bytes without any mac."""
    one = cost(built("- conv1x1: {out: 32, norm: none, act: none}", (32, 14, 14)))
    half = "[conv1x1: {out: 16, norm: none, act: none}]"
    two = cost(built(f"- branches: {{a: {half}, b: {half}}}\n  merge: concat", (32, 14, 14)))
    assert two.macs == one.macs and two.bytes > one.bytes
    pointwise = cost(built("- branches: {a: [relu], b: []}\n  merge: add", (32, 14, 14)))
    assert pointwise.macs == 0 and pointwise.bytes == 4 * 32 * 14 * 14 * (2 + 3)


def test_views_move_nothing():
    found = cost(built("- split: {chunk: 2}\n  each: []\n  merge: concat", (8, 4, 4))).per_node
    assert [node.bytes for name, node in found.items() if name != "concat"] == [0] * (len(found) - 1)
    assert found["concat"].bytes == 2 * 4 * 8 * 4 * 4
    assert all(spent(OPS[word](*args), (8, 4, 4)) == 0 for word, *args in [("identity",), ("flatten",), ("dropout", 0.5), ("slice", 3)])


def test_merges_are_chains_of_two():
    shape, size = (4, 5, 5), 4 * 100
    for op in (Add(), Max(), Mul()):
        assert [spent(op, *[shape] * n) for n in (2, 3, 5)] == [3 * size, 6 * size, 12 * size]
    assert spent(Concat(), *[shape] * 5) == 10 * size
    assert spent(Mul(), shape, (4, 1, 1)) == 2 * size + 16


def test_norms_read_their_statistics_and_layers_their_biases():
    assert spent(BatchNorm(4), (4, 5, 5)) == 4 * (100 + 16 + 100)
    assert spent(Linear(8, 3), (8,)) == 4 * (8 + 27 + 3)


@pytest.mark.parametrize("name", subjects())
def test_equal_to_the_operands_of_torch(name):
    pytest.importorskip("torch")
    assert cost(subject(name)).bytes == torch_says(name)[0]
