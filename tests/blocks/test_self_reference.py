"""What contains itself, or cannot be read, is an error at its place; what ends under `if` is legal; rounds of a loop name values anew."""

from __future__ import annotations

import pytest
from written import block

from blockspace.blocks import load_unchecked
from blockspace.errors import BlockspaceError

NETWORK = "format: blockspace/network/1\nnetwork: n\n"


def mistakes(tmp_path, text):
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(BlockspaceError) as caught:
        load_unchecked(str(path)).graph()
    return [(m.code, m.mark.line) for m in caught.value.mistakes]


def test_a_size_that_cannot_be_read_is_told_with_the_other_mistakes(tmp_path):
    head = NETWORK + "params: {size: foo}\ninput: [3, size, size]\nstem: [conv3x3: 8]\n"
    assert mistakes(tmp_path, head) == [("E-NAME", 3)]
    assert mistakes(tmp_path, head + "head: [glorp]\n") == [("E-OP", 6), ("E-NAME", 3)]


@pytest.mark.parametrize(
    "flow",
    ["[{block: {if: 1 == 1, then: [norm], esle: none}}]", "[{conv3x3: {if: 1 == 1, then: 8, esle: 9}}]",
     "[{branches: {a: {if: 1 == 1, then: [norm], esle: none}}, merge: add}]", "[{if: 1 == 1, then: [norm], esle: none}]",
     "[{split: {if: 1 == 1, then: {copy: 2}, esle: {copy: 3}}, each: [relu], merge: add}]"],
)  # fmt: skip
def test_an_unknown_key_of_a_condition_is_told(flow):
    with pytest.raises(BlockspaceError, match="no setting 'esle'") as caught:
        block(flow).graph((8, 8, 8))
    assert [m.code for m in caught.value.mistakes] == ["E-KEY"]


@pytest.mark.parametrize("held", ["b", "{block: b}", "[b]", "[{block: b}]", "{if: 1 == 1, then: b}"])
def test_a_flow_that_contains_itself(held):
    with pytest.raises(BlockspaceError) as caught:
        block("[{block: b}]", f"params: {{b: {{default: a, search: {{a: {held}}}}}}}").graph((8, 8, 8))
    assert {m.code for m in caught.value.mistakes} == {"E-RECURSION"}


def test_a_block_and_a_part_may_call_themselves_under_if(tmp_path):
    path = tmp_path / "me.yaml"
    path.write_text("format: blockspace/block/1\nblock: me\nparams: {n: 3}\nflow: [relu, {me: {n: n - 1}, if: n > 0}]\n")
    assert len(load_unchecked(str(path)).graph((8, 8, 8))) == 5
    assert len(block("[p]", "parts: {p: {params: {n: 3}, flow: [relu, {p: {n: n - 1}, if: n > 0}]}}").graph((8, 8, 8))) == 5
    path.write_text("format: blockspace/block/1\nblock: me\nflow: [relu, me]\n")
    with pytest.raises(BlockspaceError, match="does 'me' contain itself"):
        load_unchecked(str(path)).graph((8, 8, 8))


def test_each_round_names_its_value_anew():
    graph = block("[{for: i in 1..3, do: [{relu: {}, as: x}, {add: 'x, input', as: y}]}, {add: 'x, y'}]").graph((8, 8, 8))
    assert len(graph) == 1 + 6 + 1
    nested = block("[{repeat: 2, do: [{repeat: 2, do: [{relu: {}, as: x}]}, {add: 'x, prev', as: y}]}]").graph((8, 8, 8))
    assert len(nested) == 1 + 4 + 2


def test_the_value_of_the_round_before_is_read_until_then():
    graph = block("[{relu: {}, as: start}, {for: i in 1..2, do: [{add: 'x, prev', if: i > 1}, {relu: {}, as: x}]}]").graph((8, 8, 8))
    assert [node.op.name for node in graph][1:] == ["relu", "relu", "add", "relu"]


@pytest.mark.parametrize("steps", ["{relu: {}, as: x}, {norm: batch, as: x}", "{repeat: 2, do: [{relu: {}, as: x}, {norm: batch, as: x}]}"])
def test_a_name_is_given_once_in_a_round(steps):
    with pytest.raises(BlockspaceError, match="given twice"):
        block(f"[{steps}, {{add: 'x, prev'}}]").graph((8, 8, 8))


def test_a_grid_of_two_sizes():
    assert block("[adaptive_avgpool: [7, 14]]").graph((8, 28, 28)).output_shape == (8, 7, 14)
    square, pair = (block(f"[adaptive_avgpool: {size}]").graph((8, 28, 28)) for size in ("7", "[7, 7]"))
    assert square.key() == pair.key()


@pytest.mark.parametrize("flow", ["[{conv3x3: []}]", "[{repeat: [], do: [relu]}]", "[{conv3x3: {out: 8, stride: []}}]"])
def test_an_empty_list_is_no_number(flow):
    with pytest.raises(BlockspaceError):
        block(flow).graph((8, 8, 8))
