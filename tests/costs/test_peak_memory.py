"""Peak memory: by hand on small graphs, and torch's own allocations on every block and network of the library."""

from __future__ import annotations

import pytest
from subjects import subject, subjects, torch_says
from written import built

from blockspace import cost, load
from blockspace.blocks import list_families

CONV = "conv1x1: {out: same, norm: none, act: none}"
SIZE = 4 * 8 * 6 * 6  # bytes of one value here


def peaks(flow: str) -> dict[str, float]:
    """Peak memory per node, in values of the input's size."""
    found = cost(built(flow, (8, 6, 6)))
    assert found.peak_memory == max(node.peak_memory for node in found.per_node.values())
    return {name: node.peak_memory / SIZE for name, node in found.per_node.items()}


def test_a_chain_holds_the_input_and_two_values():
    assert list(peaks(f"[{CONV}, {CONV}, {CONV}]").values()) == [1, 2, 3, 3]


def test_an_activation_in_place_takes_no_memory():
    assert list(peaks(f"[{CONV}, relu, {CONV}]").values()) == [1, 2, 2, 3]
    assert list(peaks(f"[{CONV}, gelu, {CONV}]").values()) == [1, 2, 3, 3]  # torch has no gelu in place


def test_a_shortcut_is_held_until_the_merge():
    found = peaks(f"[{CONV}, {{branches: {{a: [{CONV}, {CONV}], b: []}}, merge: add}}]")
    assert list(found.values())[-3:] == [3, 4, 4] and max(found.values()) == 4


def test_a_part_holds_the_whole_it_is_a_view_of():
    """The half that goes on untouched keeps the memory of both halves."""
    found = peaks(f"[{CONV}, {{split: {{chunk: 2}}, keep: first, each: [{CONV}, {CONV}], merge: concat}}]")
    assert list(found.values())[-3:] == [2.5, 3, 3.5] and found["split1"] == 2


def test_a_chain_of_adds_frees_as_it_goes():
    branches = ", ".join(f"{name}: [{CONV}]" for name in "abc")
    assert peaks(f"- branches: {{{branches}}}\n  merge: add")["add"] == 5  # input, three branches, the first sum; then one less


def test_a_max_pool_finds_positions_too():
    assert list(peaks("[maxpool3x3]").values()) == [1, 1 + 1 + 2]  # in 64-bit integers


def test_an_empty_block_holds_its_input():
    assert list(peaks("[]").values()) == [1]


@pytest.mark.parametrize("name", subjects())
def test_equal_to_what_torch_allocates(name):
    """To a thousandth: a mean makes single numbers too, which are not counted. A convolution's own passing copies are left out."""
    pytest.importorskip("torch")
    assert cost(subject(name)).peak_memory == pytest.approx(torch_says(name)[1], rel=1e-3, abs=64)


@pytest.mark.slow
@pytest.mark.parametrize("name", list_families())
def test_equal_to_what_torch_allocates_at_the_networks_own_size(name):
    pytest.importorskip("torch")
    from measured import peak, run

    graph = load(name).graph()
    assert cost(graph).peak_memory == pytest.approx(peak(*run(graph)), rel=1e-3)
