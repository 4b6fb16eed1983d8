"""Steps, names, loops and conditions: grammar rules 1, 3, 5, 6, 7, 8."""

from __future__ import annotations

import math

import pytest
from written import block, built, mistake, ops

from blockspace import cost
from blockspace.blocks.syntax import ACTIVATIONS
from blockspace.ops import OPS, BatchNorm, Conv, GroupNorm, LayerNorm

Scale = OPS["scale"]
PLAIN = "defaults: {norm: none, act: none}"


def convs(graph) -> list[Conv]:
    return [node.op for node in graph if isinstance(node.op, Conv)]


def test_an_empty_flow_is_the_identity():
    graph = built("[]")
    assert len(graph) == 1 and graph.output == "input"


def test_a_convolution_is_convolution_norm_activation():
    graph = built("- conv3x3: 16")
    assert [type(node.op) for node in graph][1:] == [Conv, BatchNorm, ACTIVATIONS["relu"]]
    assert list(graph.nodes) == ["input", "conv3x3.conv", "conv3x3.norm", "conv3x3.relu"]


@pytest.mark.parametrize("order", ["conv-norm-act", "norm-act-conv", "act-conv-norm", "norm-conv-act", "conv-act-norm", "act-norm-conv"])
def test_any_order_of_the_three(order):
    graph = built(f"- conv1x1: {{out: 12, order: {order}}}")
    assert "-".join(name.rpartition(".")[2] for name in list(graph.nodes)[1:]) == order.replace("act", "relu")
    assert graph["conv1x1.norm"].op.channels == (12 if order.index("conv") < order.index("norm") else 8)


def test_words_remove_norm_and_act():
    assert ops(built("- conv1x1: {out: same, norm: none, act: none}")) == ["conv1x1.conv=conv1x1 8(input)"]


@pytest.mark.parametrize("kernel, dilation, padding", [("3x3", 1, (1, 1)), ("1x7", 1, (0, 3)), ("5x5", 2, (4, 4)), ("2x2", 1, (0, 0))])
def test_default_padding(kernel, dilation, padding):
    graph = built(f"- conv{kernel}: {{out: 4, dilation: {dilation}}}", (8, 16, 16))
    assert convs(graph)[0].padding == padding


def test_height_comes_first():
    assert built("- conv3x1: {out: 4, padding: 0}", (8, 9, 9)).output_shape == (4, 7, 9)
    assert built("- conv: {k: [3, 1], out: 4, padding: 0, stride: [1, 3]}", (8, 9, 9)).output_shape == (4, 7, 3)


def test_depthwise_keeps_channels_and_takes_no_groups():
    assert convs(built("- dwconv3x3"))[0].groups == 8
    assert convs(built("- dwconv5x5: {stride: 2}"))[0].out_channels == 8
    assert convs(built("- dwconv: {k: 3, out: 16}"))[0].out_channels == 16
    assert mistake(built, "- dwconv3x3: {groups: 2}").code == "E-KEY"


def test_bias_is_false_unless_stated():
    assert not convs(built("- conv1x1: 4"))[0].bias
    assert convs(built("- conv1x1: {out: 4, bias: true}"))[0].bias
    assert convs(built("- conv1x1: 4", head="defaults: {bias: true}"))[0].bias
    linear = built("[global_avgpool, linear: 3]", head="defaults: {bias: false}")
    assert linear[linear.output].op.bias  # `defaults: bias` is for convolutions


def test_linear_needs_a_flat_value():
    assert built("[global_avgpool, linear: 3]").output_shape == (3,)
    assert built("[flatten, linear: 3]").output_shape == (3,)
    found = mistake(built, "- linear: 3")
    assert found.code == "E-SHAPE" and "global_avgpool" in found.help


def test_pools():
    assert built("- maxpool3x3").output_shape == (8, 8, 8)
    assert built("- maxpool3x3: {stride: 2}").output_shape == (8, 4, 4)
    assert built("- maxpool1x1: {stride: 2}").output_shape == (8, 4, 4)
    assert built("- avgpool3x3: {stride: 2, padding: 0}").output_shape == (8, 3, 3)
    assert built("- avgpool3x3: {stride: 2, padding: 0, ceil_mode: true}").output_shape == (8, 4, 4)
    assert not built("- avgpool3x3: {count_include_pad: false}")["avgpool3x3"].op.count_include_pad
    assert built("- adaptive_avgpool: 2").output_shape == (8, 2, 2)


def test_an_operation_without_argument_beside_a_modifier():
    assert ops(built("- {relu: {}, if: 1 > 0}")) == ["relu=relu(input)"]
    assert ops(built("- {relu: {}, if: 1 > 2}")) == []


def test_a_false_condition_lets_the_value_through():
    assert ops(built("- {conv3x3: 4, if: stride == 2}\n- relu", head="params: {stride: 1}")) == ["relu=relu(input)"]
    assert ops(built("- {conv3x3: 4, if: in_channels == 8}", head=PLAIN)) == ["conv3x3.conv=conv3x3 8->4(input)"]


def test_channels_are_what_the_step_receives():
    graph = built("[conv1x1: 20, conv1x1: channels * 2, conv1x1: in_channels]", head=PLAIN)
    assert [op.out_channels for op in convs(graph)] == [20, 40, 8]


def test_names_and_references():
    graph = built(
        """
        - {conv1x1: 4, as: a}
        - {conv1x1: 4, from: input, as: b}
        - {relu: {}, from: a}
        - concat: prev, b, input
        """,
        head=PLAIN,
    )
    assert graph.output_shape == (16, 8, 8)
    assert graph["concat"].inputs == ("relu", "b.conv", "input")


def test_a_name_is_given_once():
    found = mistake(built, "[{conv1x1: 4, as: a}, {conv1x1: 4, as: a}, {add: [a, prev]}]")
    assert (found.code, found.mark.line) == ("E-NAME", 5)


@pytest.mark.parametrize("word", ["input", "prev"])
def test_input_and_prev_cannot_be_given(word):
    assert mistake(built, f"[{{conv1x1: same, as: {word}}}, {{add: [{word}, prev]}}]").code == "E-WORD"


def test_parts_are_counted_from_one_and_inclusive():
    head = PLAIN + "\nparams: {s: 4}"
    graph = built("[{split: {chunk: s}, as: x}, {concat: 'x[1], x[2..s-1], x[s]'}]", head=head)
    assert graph["concat"].inputs == ("split1", "split2", "split3", "split4")
    graph = built("[{split: {chunk: s}, as: x}, {concat: [x]}]", head=head)
    assert graph["concat"].inputs == ("split1", "split2", "split3", "split4")
    for index in ("x[0]", "x[5]", "x[2..5]"):
        found = mistake(built, f"[{{split: {{chunk: s}}, as: x}}, {{concat: ['{index}', x]}}]", head=head)
        assert found.code == "E-REF" and "parts 1 to 4" in found.help


def test_an_empty_range_of_parts():
    graph = built("[{split: {chunk: 2}, as: y}, {concat: 'y[1], y[2..1], y[2]'}]")
    assert graph["concat"].inputs == ("split1", "split2")


def test_names_of_a_branch_are_local():
    found = mistake(built, "[{branches: {a: [{conv1x1: same, as: z}], b: []}, merge: add}, {add: [z, prev]}]")
    assert found.code == "E-REF" and "'z'" in found.message


def test_names_of_loops_and_conditions_are_visible_after():
    graph = built("[{if: true, then: [{conv1x1: same, as: z}]}, relu, {add: [z, prev]}]")
    assert graph["add"].inputs == ("z.relu", "relu")
    graph = built("[{repeat: 1, do: [{conv1x1: same, as: z}]}, relu, {add: [z, prev]}]")
    assert graph["add"].inputs == ("z.relu", "relu")


def test_for_runs_with_its_variable():
    graph = built("- {for: i in 2..4, do: [conv1x1: i * 2]}", head=PLAIN)
    assert [op.out_channels for op in convs(graph)] == [4, 6, 8]


@pytest.mark.parametrize("loop", ["for: i in 3..2", "for: i in 1..n", "repeat: 0", "repeat: n"])
def test_an_empty_loop(loop):
    assert ops(built(f"- {{{loop}, do: [relu]}}", head="params: {n: 0}")) == []


def test_repeat():
    graph = built("- {repeat: n, do: [conv3x3: same, conv1x1: index * 4]}", head=PLAIN + "\nparams: {n: 2}")
    assert [op.out_channels for op in convs(graph)] == [8, 4, 4, 8]


def test_conditions_as_a_step_a_value_and_a_ternary():
    for n, out in ((1, 4), (2, 6)):
        head = PLAIN + f"\nparams: {{n: {n}}}"
        assert built("- {if: n == 1, then: [conv1x1: 4], else: [conv1x1: 6]}", head=head).output_shape[0] == out
        assert built("- conv1x1: {if: n == 1, then: 4, else: 6}", head=head).output_shape[0] == out
        assert built("- conv1x1: {out: {if: n == 1, then: 4, else: 6}}", head=head).output_shape[0] == out
        assert built("- conv1x1: 4 if n == 1 else 6", head=head).output_shape[0] == out
    assert built("- {if: n > 5, then: [conv1x1: 4]}", head="params: {n: 1}").output_shape == (8, 8, 8)
    assert built("- {if: n == 1, then: none, else: [conv1x1: 4]}", head="params: {n: 1}").output_shape == (8, 8, 8)


def test_merges_of_named_values():
    for kind, channels in (("add", 8), ("mul", 8), ("max", 8), ("concat", 16)):
        assert built(f"[{{conv1x1: same, as: a}}, {{{kind}: [a, input]}}]").output_shape[0] == channels


def test_merges_do_not_broadcast_except_a_gate():
    assert built("[global_avgpool, {mul: [input, prev]}]").output_shape == (8, 8, 8)
    assert built("[conv1x1: 1, {mul: [input, prev]}]").output_shape == (8, 8, 8)
    assert mistake(built, "[conv1x1: 4, {mul: [input, prev]}]").code == "E-SHAPE"
    for kind in ("add", "max"):
        found = mistake(built, f"[global_avgpool, {{{kind}: [input, prev]}}]")
        assert found.code == "E-SHAPE" and "8x8x8" in found.message and "8x1x1" in found.message


def test_sizes_must_agree_and_the_error_names_each_branch():
    found = mistake(built, "- branches:\n    a: [conv1x1: 4]\n    b: [conv3x3: 6]\n  merge: add")
    assert found.code == "E-SHAPE" and "a = 4 (line 6)" in found.message and "b = 6 (line 7)" in found.message
    found = mistake(built, "- branches:\n    a: [conv1x1: 4]\n    b: [conv3x3: {out: 4, stride: 2}]\n  merge: concat")
    assert "a = 4x8x8 (line 6)" in found.message and "b = 4x4x4 (line 7)" in found.message


def test_an_unused_value_is_an_error():
    found = mistake(built, "[{conv1x1: 4, as: a}, {relu: {}, from: input}]")
    assert found.code == "E-DANGLING" and found.mark.line == 5
    assert mistake(built, "[{split: {chunk: 4}, as: x}, {relu: {}, from: 'x[1]'}]").code == "E-DANGLING"


def test_module_names_come_from_the_yaml():
    graph = built("[{conv3x3: same, name: mix}, {conv3x3: same, as: y}, {repeat: 2, do: [relu]}]")
    assert [n for n in graph.nodes if n.endswith(".conv")] == ["mix.conv", "y.conv"]
    assert {"relu", "relu_2"} <= set(graph.nodes)


def test_block_knows_its_params():
    template = block("- conv1x1: w", head="params: {w: 4}")
    assert template(w=6).graph((8, 4, 4)).output_shape == (6, 4, 4)
    found = mistake(template, wd=6)
    assert found.code == "E-KEY"


# -- norms, scales and the attention's operations ---------------------------------------------------------------------------------------


def last(steps: str, shape=(8, 6, 6)):
    graph = built(steps, shape)
    return graph[graph.output].op


def test_norms_have_their_own_settings():
    settings = "bn_eps: 1e-3, bn_momentum: 0.2, norm_eps: 1e-6, norm_groups: 4"
    made = {kind: last(f"[norm: {{norm: {kind}, {settings}}}]") for kind in ("batch", "layer", "group")}
    assert made == {"batch": BatchNorm(8, 1e-3, 0.2), "layer": LayerNorm(8, 1e-6), "group": GroupNorm(8, 1e-6, 4)}
    for kind, op in made.items():
        graph = block("[{conv1x1: {out: 8, act: none}}]", f"defaults: {{norm: {kind}, {settings}}}").graph((8, 6, 6))
        assert graph[graph.output].op == op
    assert last("[norm: batch]") == BatchNorm(8) and last("[norm: layer]", (8,)) == LayerNorm(8)


def test_a_layer_norm_stands_before_linear():
    graph = built("[global_avgpool, norm: layer, linear: 3]")
    assert [node.op.name for node in graph][1:] == ["adaptive_avgpool", "layer_norm", "flatten", "linear"]
    assert [node.op.name for node in built("[flatten, norm: layer, linear: 3]")][1:] == ["flatten", "layer_norm", "linear"]


def test_scales_are_constant_or_learned():
    assert (last("[scale: 0.2]").by, last("[scale: 1 / 4]").by) == (0.2, 0.25)
    assert last("[scale: learned]") == Scale(8, "learned") and last("[scale: {by: learned, init: 1e-6}]") == Scale(8, "learned", 1e-6)
    assert mistake(lambda: built("[scale: {by: 2, init: 3}]")).code == "E-TYPE"
    assert mistake(lambda: built("[scale: same]")).code == "E-TYPE"
    assert mistake(lambda: built("[{flatten: {}}, scale: learned]")).code == "E-SHAPE"


def test_softmax_over_paths_and_over_channels():
    assert last("[softmax]").paths == 0 and last("[softmax: 2]").paths == last("[softmax: {paths: 4 // 2}]").paths == 2
    assert "do not divide into 3 paths" in mistake(lambda: built("[softmax: 3]")).message


def test_a_convolution_over_the_channels():
    """Of (C, 1, 1), turned to (1, 1, C): as many macs as torch's 1-d convolution."""
    graph = built("[global_avgpool, transpose, conv: {k: [1, 3], out: 1, norm: none, act: none}, transpose]")
    assert graph.output_shape == (8, 1, 1) and (cost(graph).params, cost(graph).macs) == (3, 3 * 8)
    assert mistake(lambda: built("[transpose]")).code == "E-SHAPE"


@pytest.mark.parametrize("channels, k", [(8, 3), (64, 3), (128, 5), (256, 5), (512, 5), (1024, 5), (2048, 7), (100, 3)])
def test_log2_is_the_integer_part(channels, k):
    """ECA's rule for its kernel (arXiv:1910.03151 eq. 12), as timm computes it."""
    t = int(abs(math.log(channels, 2) + 1) / 2)
    assert k == max(3, t if t % 2 else t + 1)
    text = "[global_avgpool, transpose, conv: {k: [1, 'max(3, (log2(in_channels) + 1) // 4 * 2 + 1)'], out: 1}, transpose]"
    assert convs(built(text, (channels, 2, 2)))[0].kernel == (1, k)
    assert mistake(lambda: built("[conv1x1: log2(1 / 2)]")).code == "E-EXPR"
