"""Split, transform, merge: grammar rule 4."""

from __future__ import annotations

import pytest
from written import built, mistake

from blockspace.ops import Conv

PLAIN = "defaults: {norm: none, act: none}"


def widths(graph) -> list[tuple[int, int]]:
    """Channels in and out of each convolution, in order."""
    return [(node.op.in_channels, node.op.out_channels) for node in graph if isinstance(node.op, Conv)]


def kinds(graph) -> dict[str, int]:
    return {kind: sum(node.kind == kind for node in graph) for kind in ("split", "transform", "merge")}


def parts(graph) -> list[int]:
    return [node.shape[0] for node in graph if node.kind == "split"]


def unit(split: str, rest: str, channels: int = 8, flow: str = "[conv3x3: same]", **kwargs):
    return built(f"- split: {split}\n  each: {flow}\n  {rest}", (channels, 8, 8), PLAIN, **kwargs)


def test_branches_without_split_copy():
    graph = built("- branches: {a: [relu], b: [sigmoid]}\n  merge: add")
    assert kinds(graph) == {"split": 1, "transform": 2, "merge": 1}
    assert graph.key() == built("- split: copy\n  branches: {a: [relu], b: [sigmoid]}\n  merge: add").key()
    assert graph.key() == built("- split: {copy: 2}\n  branches: {a: [relu], b: [sigmoid]}\n  merge: add").key()


@pytest.mark.parametrize("step", ["{if: channels > 2, then: [relu]}", "{repeat: channels, do: [relu]}", "{relu: , if: channels > 2}"])
def test_a_list_of_parts_has_no_channels(step):
    wrong = mistake(built, f"- split: {{chunk: 2}}\n  each: relu\n- {step}")
    assert wrong.code == "E-REF" and "a list of parts has no 'channels'" in wrong.message and wrong.mark.line > 1
    assert "channels" in wrong.mark.source.text.split("\n")[wrong.mark.line - 1][wrong.mark.column - 1 :]


LIST = "{split: {chunk: 2}, each: relu}"


@pytest.mark.parametrize(
    "flow, words",
    [
        (f"- {LIST}", "ends in a split without `merge:`"),
        (f"- {LIST}\n- relu", "relu takes one value"),
        (f"- {LIST}\n- norm: none", "norm takes one value"),
        (f"- {{repeat: 2, do: [{LIST}]}}", "split takes one value"),
        (f"- {{split: {{chunk: 2}}, each: [{LIST}], merge: add}}", "add merges values, and one of these is a list of parts"),
        (f"- {{split: {{chunk: 2}}, each: [{LIST}], carry: add, merge: add}}", "carry takes one value"),
        (f"- {{split: {{chunk: 2}}, each: relu, keep: {{last: [{LIST}]}}, merge: add}}", "add merges values"),
        (f"- {{split: {{chunk: 2}}, each: [{LIST}], as: x}}\n- {{relu: , from: 'x[1]'}}", "relu takes one value"),
        ("- {split: {chunk: 2}, each: relu, as: x}\n- {relu: , from: x}", "one value was expected, got 2"),
    ],
)
def test_a_list_of_parts_where_one_value_is_expected(flow, words):
    wrong = mistake(built, flow)
    assert wrong.code == "E-REF" and words in wrong.message and wrong.mark is not None


NOTHING = ("- norm: none", "- norm: {norm: none, bn_eps: 0.1}", "- {norm: none, as: y}\n- {relu: , if: false, from: y}")


@pytest.mark.parametrize("flow", NOTHING)
def test_norm_none_hands_the_value_on(flow):
    graph = built(flow, (8, 8, 8))
    assert [node.name for node in graph] == ["input"] and graph.output == "input"


def test_norm_none_in_branches():
    graph = built("- split: {copy: 2}\n  each: [{norm: none}]\n  merge: add", (8, 8, 8))
    assert kinds(graph) == {"split": 1, "transform": 0, "merge": 1}


def test_each_has_weights_of_its_own():
    assert widths(unit("{copy: 3}", "merge: add")) == [(8, 8)] * 3


def test_each_knows_its_part():
    assert widths(unit("{copy: 3}", "merge: concat", flow="[conv3x3: part * 2]")) == [(8, 2), (8, 4), (8, 6)]


@pytest.mark.parametrize(
    "channels, n, sizes", [(8, 4, [2, 2, 2, 2]), (64, 5, [13, 13, 13, 13, 12]), (10, 4, [3, 3, 3, 1]), (7, 7, [1] * 7)]
)
def test_chunk_divides_as_torch_does(channels, n, sizes):
    assert parts(unit(f"{{chunk: {n}}}", "merge: concat", channels)) == sizes


def test_a_chunk_that_makes_fewer_parts():
    found = mistake(unit, "{chunk: 5}", "merge: concat", 8)  # torch.chunk(8, 5) gives 2 2 2 2
    assert found.code == "E-SPLIT" and "8 channels do not divide into 5" in found.message and "10" in found.help


def test_sizes_and_shares():
    assert parts(unit("{sizes: [2, 5, 1]}", "merge: concat")) == [2, 5, 1]
    assert parts(unit("{shares: [1, 3]}", "merge: concat")) == [2, 6]
    assert parts(unit("{shares: [0.5, 0.5]}", "merge: concat")) == [4, 4]
    assert mistake(unit, "{sizes: [2, 5]}", "merge: concat").code == "E-SPLIT"
    assert mistake(unit, "{shares: [1, 2]}", "merge: concat").code == "E-SPLIT"
    assert mistake(unit, "{sizes: [8, 0]}", "merge: concat").code == "E-TYPE"


@pytest.mark.parametrize("shares, code", [
    ("[1, 0]", "E-TYPE"), ("[1, -1]", "E-TYPE"), ("[-1, -3]", "E-TYPE"), ("[a, 1]", "E-NAME"), ("[true, 1]", "E-TYPE"),
])  # fmt: skip
def test_shares_are_positive_numbers(shares, code):
    assert mistake(unit, f"{{shares: {shares}}}", "merge: concat").code == code


def test_chunk_with_named_branches():
    graph = built("- split: chunk\n  branches: {a: [conv1x1: same], b: []}\n  merge: concat", head=PLAIN)
    assert widths(graph) == [(4, 4)] and graph.output_shape == (8, 8, 8)


def test_one_part_is_the_value():
    for split in ("{copy: 1}", "{chunk: 1}"):
        assert kinds(unit(split, "merge: add")) == {"split": 0, "transform": 1, "merge": 0}


@pytest.mark.parametrize("kind, channels", [("add", 8), ("mul", 8), ("max", 8), ("concat", 24)])
def test_merges(kind, channels):
    graph = unit("{copy: 3}", f"merge: {kind}")
    assert graph.output_shape[0] == channels and graph[graph.output].op.name == kind


def test_keep_first_and_last():
    graph = unit("{chunk: 4}", "keep: first\n  merge: concat")
    assert graph["concat"].inputs[0] == "split1" and len(widths(graph)) == 3
    graph = unit("{chunk: 4}", "keep: last\n  merge: concat")
    assert graph["concat"].inputs[-1] == "split4" and len(widths(graph)) == 3
    assert len(widths(unit("{chunk: 4}", "keep: none\n  merge: concat"))) == 4


def test_a_kept_part_may_run_a_flow():
    graph = unit("{chunk: 2}", "keep: {last: [maxpool3x3]}\n  merge: concat")
    assert len(widths(graph)) == 1 and any(node.op.name == "maxpool" for node in graph)


def test_which_part_is_kept_may_be_a_condition():
    keep = "{if: in_channels > 4, then: {last: [maxpool3x3]}, else: none}"
    said = [name for name in unit("{chunk: 2}", f"keep: {keep}\n  merge: concat").nodes if "maxpool" in name]
    assert len(said) == 1 and "part2" in said[0]


def test_keep_needs_two_parts():
    assert mistake(unit, "{chunk: 1}", "keep: first\n  merge: concat").code == "E-SPLIT"


def test_carry_add():
    """The output is emitted and added to the next part's input; the last part is emitted whole."""
    graph = unit("{chunk: 3}", "carry: add\n  merge: concat", 12)
    adds = [node for node in graph if node.op.name == "add"]
    assert [node.inputs for node in adds] == [("split2", "part1.conv3x3.conv"), ("split3", "part2.conv3x3.conv")]
    assert graph["concat"].inputs == ("part1.conv3x3.conv", "part2.conv3x3.conv", "part3.conv3x3.conv")


def test_carry_concat():
    """Emitted whole, and concatenated behind the next part's own channels."""
    graph = unit("{chunk: 3}", "carry: concat\n  merge: concat", 12)
    assert widths(graph) == [(4, 4), (8, 8), (12, 12)] and graph.output_shape[0] == 4 + 8 + 12


def test_carry_half_of_odd_channels():
    """floor(c / 2) channels go on, c - floor(c / 2) are emitted."""
    graph = unit("{chunk: 3}", "carry: half\n  merge: concat", 15)
    assert widths(graph) == [(5, 5), (7, 7), (8, 8)]
    assert graph.output_shape[0] == 3 + 4 + 8


def test_carry_a_share():
    graph = unit("{chunk: 2}", "carry: {take: 1/3}\n  merge: concat", 12)
    assert widths(graph) == [(6, 6), (8, 8)] and graph.output_shape[0] == 4 + 8
    graph = unit("{chunk: 2}", "carry: {take: 1/2, join: concat}\n  merge: concat", 12)
    assert graph.key() == unit("{chunk: 2}", "carry: half\n  merge: concat", 12).key()
    assert widths(unit("{sizes: [8, 4]}", "carry: {take: 1/2, join: add}\n  merge: concat", 12)) == [(8, 8), (4, 4)]


def test_nothing_to_carry():
    found = mistake(unit, "{chunk: 8}", "carry: half\n  merge: concat")
    assert found.code == "E-SPLIT" and "1" in found.message
    for take in ("0", "1", "-1/2", "true", "add"):
        assert mistake(unit, "{chunk: 2}", f"carry: {{take: {take}}}\n  merge: concat").code == "E-TYPE"


def test_a_kept_part_gives_and_takes_nothing():
    graph = unit("{chunk: 4}", "keep: first\n  carry: add\n  merge: concat")
    assert sum(node.op.name == "add" for node in graph) == 2
    graph = unit("{chunk: 4}", "keep: last\n  carry: half\n  merge: concat")
    assert widths(graph) == [(2, 2), (3, 3), (3, 3)]  # the last part that runs is emitted whole


def test_carry_none_is_no_carry():
    assert unit("{chunk: 4}", "carry: none\n  merge: concat").key() == unit("{chunk: 4}", "merge: concat").key()


def test_a_branch_that_is_none_does_not_exist():
    graph = built("- branches: {a: [relu], b: none, c: [sigmoid]}\n  merge: concat")
    assert graph.output_shape[0] == 16
    graph = built("- branches: {a: [relu], b: b}\n  merge: concat", head="params: {b: none}")
    assert graph.output_shape[0] == 8
    graph = built("- branches: {a: [relu], b: {if: in_channels > 100, then: [relu]}}\n  merge: concat")
    assert graph.output_shape[0] == 8


def test_branches_are_named_and_different():
    assert mistake(built, "- branches: {a: [relu], a: [relu]}\n  merge: add").code == "E-DUP-KEY"
    assert mistake(built, "- branches: [[relu], [relu]]\n  merge: add").code == "E-TYPE"


def test_without_merge_a_split_gives_its_parts():
    graph = built("[{split: {chunk: 2}, each: [relu], as: y}, {concat: 'y[2], y[1]'}]")
    assert graph["concat"].inputs == ("part2.relu", "part1.relu")
    assert mistake(built, "[{split: {chunk: 2}, each: [relu]}, relu]").code == "E-REF"
    assert mistake(built, "- {split: {chunk: 2}, each: [relu]}").code == "E-REF"


@pytest.mark.parametrize(
    "step, code",
    [
        ("{split: {chunk: 2}, each: [relu], branches: {a: [relu], b: []}, merge: add}", "E-KEY"),
        ("{split: {chunk: 3}, branches: {a: [relu], b: []}, merge: add}", "E-SPLIT"),
        ("{split: chunk, each: [relu], merge: add}", "E-SPLIT"),
        ("{split: cut, each: [relu], merge: add}", "E-SPLIT"),
        ("{split: {cut: 2}, each: [relu], merge: add}", "E-SPLIT"),
        ("{split: {chunk: 2, copy: 2}, each: [relu], merge: add}", "E-SPLIT"),
        ("{split: {sizes: 2}, each: [relu], merge: add}", "E-TYPE"),
        ("{split: {chunk: 0}, each: [relu], merge: add}", "E-TYPE"),
        ("{split: {chunk: -1}, each: [relu], merge: add}", "E-TYPE"),
        ("{split: {chunk: 3/2}, each: [relu], merge: add}", "E-INEXACT"),
        ("{split: {copy: 2}, each: [relu], merge: sum}", "E-TYPE"),
        ("{split: {copy: 2}, each: [relu], merge: first}", "E-TYPE"),
        ("{split: {copy: 2}, each: [relu], keep: middle, merge: add}", "E-TYPE"),
        ("{split: {copy: 2}, each: [relu], keep: {middle: [relu]}, merge: add}", "E-KEY"),
        ("{split: {copy: 2}, each: [relu], carry: most, merge: add}", "E-TYPE"),
        ("{split: {copy: 2}, each: [relu], carry: {join: add}, merge: add}", "E-KEY"),
        ("{split: {copy: 2}, each: [relu], carry: {take: 1/2, join: mul}, merge: add}", "E-TYPE"),
        ("{split: {copy: 2}, each: [relu], merge: add, join: add}", "E-KEY"),
    ],
)
def test_malformed_splits(step, code):
    found = mistake(built, f"- {step}")
    assert found.code == code and found.mark is not None and found.mark.line == 5
