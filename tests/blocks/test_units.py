"""Blocks and parts, names and defaults: grammar rules 2, 9, 10, 11 and section 1."""

from __future__ import annotations

import os

import pytest
from written import block, built, mistake, mistakes, network, ops

from blockspace import load
from blockspace.ops import BatchNorm, Conv

PLAIN = "defaults: {norm: none, act: none}"
TAIL = "head: [global_avgpool, linear: 10]"


def outs(graph) -> list[int]:
    return [node.op.out_channels for node in graph if isinstance(node.op, Conv)]


def strides(graph) -> list[int]:
    return [node.op.stride[0] for node in graph if isinstance(node.op, Conv)]


# -- rule 2: block steps -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what",
    [
        "{block: conv3x3, out: 16}",
        "conv3x3: 16",
        "{block: {conv3x3: {out: 16}}}",
        "{block: [conv3x3: 16]}",
        "{block: {if: 1 > 0, then: [conv3x3: 16], else: relu}}",
        "{block: held}",
        "held",
        "{block: word, out: 16}",
        "{block: mine}",
        "mine",
        "{mine: {out: 16}}",
    ],
)
def test_what_a_block_can_be(what):
    head = "params: {held: [conv3x3: 16], word: conv3x3}\nparts: {mine: {params: {out: 16}, flow: [conv3x3: out]}}"
    assert built(f"- {what}", head=head).key() == built("- conv3x3: 16").key()


def test_repeat_strides_only_in_the_first():
    graph = built("- {block: conv3x3, out: 16, stride: 2, repeat: 3}", head=PLAIN)
    assert strides(graph) == [2, 1, 1] and graph.output_shape == (16, 4, 4)
    assert built("- {block: conv3x3, out: 16, repeat: 0}").output_shape == (8, 8, 8)


def test_a_stage_without_stride_means_one():
    text = "params: {stride: 2}\ninput: [8, 8, 8]\nstages: [{block: resnet_bottleneck, out_channels: 16}]\n" + TAIL
    assert load("resnet_bottleneck", out_channels=16).graph((8, 8, 8)).output_shape == (16, 8, 8)
    assert network(text.replace("params: {stride: 2}\n", "")).graph()["stage1.add"].shape == (16, 8, 8)


def test_values_are_evaluated_for_each_repeated_block():
    graph = built("- {block: conv1x1, repeat: 3, out: index * 4 + in_channels}", head=PLAIN)
    assert outs(graph) == [12, 20, 32]
    part = "parts: {p: {params: {out: 8, stride: 1, k: 1}, flow: [conv: {k: k, out: out, stride: stride}]}}"
    graph = built("- {block: p, repeat: 2, stride: 2, out: 16 if stride == 2 else 24, k: 3 if index == 1 else 1}", head=f"{PLAIN}\n{part}")
    assert outs(graph) == [16, 24] and strides(graph) == [2, 1]


def test_stages_are_named_or_numbered():
    text = "input: [8, 8, 8]\nstages: [{block: conv3x3, out: 4}, relu, {block: conv3x3, out: 4, repeat: 2},"
    text += " {name: last, block: conv3x3, out: 4}]\n"
    names = [n for n in network(text + TAIL).graph().nodes if n.endswith("conv")]
    assert names == ["stage1.conv", "stage2.block1.conv", "stage2.block2.conv", "last.conv"]


def test_a_setting_the_block_does_not_declare():
    found = mistake(built, "- {block: resnext, cardinalty: 4}")
    assert found.code == "E-KEY" and "'cardinality'" in found.help
    assert mistake(built, "- {resnext: {cardinalty: 4}}").code == "E-KEY"
    assert mistake(built, "- {block: conv3x3, out: 4, filters: 4}").code == "E-KEY"


@pytest.mark.parametrize(
    "step, places",
    [
        ("{block: resnext, cardinalty: 4, witdh: 2}", ["cardinalty", "witdh"]),
        ("{resnext: {cardinalty: 4, width: 2, strides: 2}}", ["cardinalty", "strides"]),
        ("{resnext: {}, cardinality: 4, witdh: 2}", ["cardinality", "witdh"]),
        ("{conv3x3: 4, stride: 2, fliters: 8, pading: 1}", ["stride", "fliters", "pading"]),
        ("{block: {resnext: {cardinality: 2, width: 4}}, cardinality: 4, width: 2}", ["2", "4"]),
    ],
)
def test_every_wrong_setting_of_a_step_is_named_at_its_place(step, places):
    found = mistakes(built, f"- {step}")
    marked = [m.mark.source.line(m.mark.line)[m.mark.column - 1 :][: m.mark.length] for m in found]
    assert marked == places and {m.code for m in found} == {"E-KEY"}


def test_what_belongs_inside_is_told_from_what_is_no_setting():
    inside, unknown = mistakes(built, "- {conv3x3: 4, stride: 2, grops: 2}")
    assert inside.help == "write conv3x3: {out: 4, stride: ...}" and "'groups'" in unknown.help


def test_a_setting_inside_and_beside():
    found = mistake(built, "- {block: {resnext: {out_channels: 16, cardinality: 2}}, cardinality: 4}")
    assert found.code == "E-KEY" and "cardinality" in found.message


# -- rule 9: names -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", ["params", "let"])
@pytest.mark.parametrize("code, words", [
    ("E-WORD", ["copy", "none", "add", "relu", "batch", "conv-norm-act", "input", "index", "channels", "if", "lambda"]),
    ("E-NAME", ["a-b", "2x", "é"]),
])  # fmt: skip
def test_words_of_the_grammar_cannot_be_params(section, code, words):
    assert {word: mistake(block, "[relu]", f"{section}: {{{word}: 1}}").code for word in words} == dict.fromkeys(words, code)


def test_an_argument_is_read_in_the_callers_names():
    part = "parts: {p: {params: {a: 1, b: 2}, flow: [conv1x1: a, conv1x1: b]}}"
    assert outs(built("- p: {a: w, b: w * 2}", head=f"{PLAIN}\nparams: {{w: 6}}\n{part}")) == [6, 12]


def test_siblings_the_caller_does_not_define():
    part = "parts: {p: {params: {a: 1, b: 2}, flow: [conv1x1: a, conv1x1: b]}}"
    assert outs(built("- p: {a: 4, b: a * 2}", head=f"{PLAIN}\n{part}")) == [4, 8]
    assert outs(built("- {block: p, a: b + 1, b: 3}", head=f"{PLAIN}\n{part}")) == [4, 3]
    assert outs(built("- conv3x3: {out: groups * 4, groups: 4}", head=PLAIN)) == [16]


def test_a_name_that_caller_and_siblings_define():
    part = "parts: {p: {params: {a: 1, b: 2}, flow: [conv1x1: a, conv1x1: b]}}"
    found = mistake(built, "- p: {a: 4, b: a * 2}", head=f"{PLAIN}\nparams: {{a: 5}}\n{part}")
    assert found.code == "E-NAME" and "'a'" in found.message


def test_a_key_never_sees_itself():
    part = "parts: {p: {params: {width: 1}, flow: [conv1x1: width]}}"
    assert outs(built("- p: {width: width * 2}", head=f"{PLAIN}\nparams: {{width: 5}}\n{part}")) == [10]
    assert mistake(built, "- p: {width: width * 2}", head=f"{PLAIN}\n{part}").code == "E-NAME"


def test_names_that_depend_on_each_other():
    assert mistake(built, "- conv1x1: a", head="params: {a: b, b: a}").code == "E-RECURSION"
    assert mistake(built, "- conv1x1: a", head="let: {a: a + 1}").code == "E-RECURSION"
    part = "parts: {p: {params: {a: 1, b: 2}, flow: [conv1x1: a]}}"
    assert mistake(built, "- p: {a: b, b: a}", head=part).code == "E-RECURSION"


def test_lets_and_requires():
    head = PLAIN + "\nparams: {g: 3}\nlet: {mid: in_channels * 2}\nrequire: [mid % g == 0]"
    found = mistake(built, "- conv1x1: mid", head=head)
    assert found.code == "E-REQUIRE" and "mid = 16" in found.message and found.help == "nearest legal g: 2, 4"
    assert outs(built("- conv1x1: mid", head=head, g=4)) == [16]


def test_a_require_that_is_a_condition():
    head = PLAIN + "\nparams: {g: 3}\nrequire: [{if: g > 2, then: g > 8, else: true}]"
    found = mistake(built, "- conv1x1: 4", head=head)
    assert found.code == "E-REQUIRE" and "g > 8" in found.message
    assert outs(built("- conv1x1: 4", head=head, g=2)) == [4]


NEEDS = "params: {g: 3, h: 2}\nrequire: [in_channels % g == 0, in_channels % (2 * g) == 0]"


def test_a_rule_that_does_not_hold_is_all_that_is_said():
    """What follows from it - a convolution that cannot be grouped, names in the flow - is not run, in a block, a part or a network."""
    flow = "- {conv1x1: {out: 8, groups: g}, as: x}\n- conv1x1: nothing\n- add: x, prev"
    assert mistake(built, flow, head=f"{PLAIN}\n{NEEDS}").code == "E-REQUIRE", "one value of g mends both rules: one cause"
    part = "parts: {p: {params: {g: 3}, require: in_channels % g == 0, flow: [conv1x1: {out: 8, groups: g}]}}"
    assert mistake(built, "- p\n- conv3x3: {out: channels, groups: 4}", head=f"{PLAIN}\n{part}").code == "E-REQUIRE"
    text = "params: {w: 6, g: 4}\nrequire: w % g == 0\ninput: [3, 8, 8]\nstem: [conv3x3: w]\nhead: [conv3x3: {out: w, groups: g}]"
    found = mistake(network(text).graph)
    assert found.code == "E-REQUIRE" and found.help == "nearest legal w: 4, 8"


def test_rules_that_no_one_value_mends_are_all_said():
    found = mistakes(built, "- relu", head=f"{PLAIN}\nparams: {{a: 1, b: 1}}\nrequire: [a > 1, b > 1]")
    assert [m.message for m in found] == ["'a > 1' does not hold (a = 1)", "'b > 1' does not hold (b = 1)"]


@pytest.mark.parametrize(
    "flow, said",
    [
        ("- {conv33: 8, as: x}\n- add: x, prev", "conv33"),
        ("- {conv3x3: {out: 8, strid: 2}, as: x}\n- add: x, prev", "strid"),
        ("- for: i in 1..q\n  do: [{conv3x3: 8, as: x}]\n- add: x, input", "'q'"),
        ("- for: i in 1..2\n  doo: 1\n  do: [{conv3x3: 8, as: x}]\n- add: x, input", "'doo'"),
        ("- if: q\n  then: [{relu: {}, as: x}]\n  else: [{silu: {}, as: x}]\n- add: x, input", "'q'"),
        ("- {split: {chunk: q}, each: [relu], as: x}\n- concat: x[1], x[2..3]", "'q'"),
        ("- shortcut: {out: 8, stride: 1}\n- {split: {chunk: 5}, each: [relu], as: x}\n- concat: x[1], x[2]", "divide"),
    ],
)
def test_names_of_a_step_that_failed_are_no_mistakes(flow, said):
    assert said in mistake(built, flow).message


def test_names_that_a_failed_step_keeps_to_itself_stay_unknown():
    flow = "- {split: {chunk: q}, each: [{relu: {}, as: x}], merge: concat}\n- add: x, input"
    assert [m.code for m in mistakes(built, flow)] == ["E-NAME", "E-REF"]


def test_every_name_that_cannot_be_read_is_said_and_what_reads_it_is_not():
    head = f"{PLAIN}\nparams: {{n: 4}}\nlet: {{a: 1 // (n - 4), b: a + 1, c: nn + 1}}"
    found = mistakes(built, "- conv1x1: b\n- {conv1x1: {out: c, groups: a}}\n- conv1x1: zz", head=head)
    assert [m.code for m in found] == ["E-DIV", "E-NAME", "E-NAME"]


def test_a_shortcut_of_a_name_that_cannot_be_read_says_nothing():
    assert mistake(built, "[shortcut]", head=f"{PLAIN}\nparams: {{out_channels: 8 // 0, stride: 1}}").code == "E-DIV"


def test_parts_see_the_names_of_their_file():
    head = PLAIN + "\nparams: {w: 4}\nlet: {v: w + 2}\nparts: {p: [conv1x1: w, conv1x1: v], q: {params: {w: 10}, flow: [conv1x1: w]}}"
    assert outs(built("[p, q]", head=head)) == [4, 6, 10]


def test_in_channels_are_those_entering_the_part():
    head = PLAIN + "\nparts: {p: [conv1x1: channels * 2, conv1x1: in_channels]}"
    assert outs(built("[conv1x1: 6, p]", head=head)) == [6, 12, 6]


def test_parts_that_contain_themselves():
    found = mistakes(built, "[p]", head="parts: {p: [p]}")
    assert [m.code for m in found] == ["E-RECURSION"]
    found = mistakes(built, "[p]", head="parts: {p: [q], q: [p]}")
    assert [m.code for m in found] == ["E-RECURSION"]


# -- rule 10: defaults ---------------------------------------------------------------------------------------------------------------------


def own(tmp_path, text: str) -> str:
    """A block file beside a file that calls it `mine`."""
    (tmp_path / "mine.yaml").write_text(f"format: blockspace/block/1\nblock: mine\n{text}\n")
    return str(tmp_path / "caller.yaml")


def test_norm_and_act_reach_called_blocks(tmp_path):
    path = own(tmp_path, "flow: [conv1x1: 32]")
    graph = block("[mine]", "blocks: {mine: mine.yaml}\ndefaults: {norm: group, act: silu, norm_eps: 0.5}", path).graph((32, 8, 8))
    assert [node.op.name for node in graph] == ["input", "conv", "group_norm", "silu"]


def test_order_and_bias_never_do(tmp_path):
    path = own(tmp_path, "flow: [conv1x1: 4]")
    graph = block("[mine, conv1x1: 4]", "blocks: {mine: mine.yaml}\ndefaults: {order: norm-act-conv, bias: true}", path).graph((8, 8, 8))
    assert [node.op.name for node in graph][1:] == ["conv", "batch_norm", "relu", "batch_norm", "relu", "conv"]
    assert [node.op.bias for node in graph if isinstance(node.op, Conv)] == [False, True]


def test_a_setting_beats_the_files_defaults_which_beat_the_callers(tmp_path):
    path = own(tmp_path, "defaults: {act: silu}\nflow: [conv1x1: 4, {conv1x1: {out: 4, act: gelu}}]")
    graph = block("[mine]", "blocks: {mine: mine.yaml}\ndefaults: {act: relu6, bn_momentum: 0.5}", path).graph((8, 8, 8))
    assert [node.op.name for node in graph if node.call and node.call.target.startswith("torch.nn.functional")] == ["silu", "gelu"]
    assert {node.op.momentum for node in graph if isinstance(node.op, BatchNorm)} == {0.5}


def test_a_parts_defaults_come_first_then_its_files():
    head = "defaults: {act: silu, order: norm-act-conv}\nparts: {p: {flow: [conv1x1: 4]}, q: {defaults: {act: gelu}, flow: [conv1x1: 4]}}"
    graph = built("[p, q]", head=head)
    assert [node.op.name for node in graph][1:] == ["batch_norm", "silu", "conv", "batch_norm", "gelu", "conv"]


def test_pool_words_are_inherited(tmp_path):
    path = own(tmp_path, "flow: [maxpool3x3: {stride: 2, padding: 0}]")
    assert block("[mine]", "blocks: {mine: mine.yaml}\ndefaults: {ceil_mode: true}", path).graph((8, 8, 8)).output_shape == (8, 4, 4)


# -- rule 11: shortcut ---------------------------------------------------------------------------------------------------------------------

SHORT = "params: {out_channels: 8, stride: 1}"


def test_shortcut_is_the_identity_where_nothing_changes():
    assert ops(built("[shortcut]", head=SHORT)) == []


@pytest.mark.parametrize("settings", [{"out_channels": 16}, {"stride": 2}])
def test_shortcut_projects_without_activation(settings):
    assert [node.op.name for node in built("[shortcut]", head=SHORT, **settings)][1:] == ["conv", "batch_norm"]


def test_shortcuts_with_pools():
    graph = built("- shortcut: {pool: avg}", head=SHORT, out_channels=16, stride=2)
    assert [node.op.name for node in graph][1:] == ["avgpool", "conv", "batch_norm"] and graph.output_shape == (16, 4, 4)
    graph = built("- shortcut: {pool: avg}", head=SHORT, out_channels=16)
    assert [node.op.name for node in graph][1:] == ["conv", "batch_norm"]
    graph = built("- shortcut: {pool: pad}", head=SHORT, out_channels=16, stride=2)
    assert [node.op.name for node in graph][1:] == ["maxpool", "pad_channels"] and graph.output_shape == (16, 4, 4)


def test_shortcut_settings_can_be_overridden():
    assert built("- shortcut: {stride: 1, out: 12}", head=SHORT, stride=2).output_shape == (12, 8, 8)


def test_shortcut_without_its_names():
    found = mistake(built, "[shortcut]", head="params: {stride: 1}")
    assert found.code == "E-NAME" and "out_channels" in found.message


# -- files ---------------------------------------------------------------------------------------------------------------------------------


def test_a_block_of_ones_own(tmp_path):
    path = own(tmp_path, "params: {w: 4}\nflow: [conv1x1: w]")
    assert outs(block("- mine: {w: 6}", f"{PLAIN}\nblocks: {{mine: ./mine.yaml}}", path).graph((8, 8, 8))) == [6]


def test_a_block_of_ones_own_may_not_hide_another(tmp_path):
    path = own(tmp_path, "flow: [relu]")
    for name in ("resnext", "relu", "conv3x3", "shortcut", "conv"):
        assert mistake(block, "[relu]", f"blocks: {{{name}: mine.yaml}}", path).code == "E-SHADOW"
        assert mistake(block, "[relu]", f"parts: {{{name}: [relu]}}").code == "E-SHADOW"


def test_a_part_and_a_block_of_one_name(tmp_path):
    path = own(tmp_path, "flow: [relu]")
    assert mistake(block, "[mine]", "blocks: {mine: mine.yaml}\nparts: {mine: [relu]}", path).code == "E-NAME"


@pytest.mark.parametrize("code, names", [
    ("E-WORD", ["copy", "input", "none", "first"]), ("E-SHADOW", ["add"]), ("E-NAME", ["a b", "3a", "a.b", "x-y"]), ("E-KEY", [""]),
])  # fmt: skip
def test_names_of_parts_are_words(code, names):
    assert {name: mistake(block, "[relu]", f"parts: {{'{name}': [relu]}}").code for name in names} == dict.fromkeys(names, code)


def test_files_that_contain_each_other(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yaml").write_text(
            f"format: blockspace/block/1\nblock: {name}\nblocks: {{{other}: {other}.yaml}}\nflow: [{other}]\n"
        )
    found = mistakes(load, tmp_path / "a.yaml")
    assert [m.code for m in found] == ["E-RECURSION"] and "a.yaml -> b.yaml -> a.yaml" in found[0].message


def test_an_imported_file_that_is_not_there(tmp_path):
    assert mistake(block, "[gone]", "blocks: {gone: gone.yaml}", str(tmp_path / "t.yaml")).code == "E-FILE"


def test_networks_know_their_sections():
    assert mistake(network, "input: [3, 8, 8]").code == "E-KEY"
    assert mistake(network("stem: [relu]").graph).code == "E-KEY"  # no input
    assert mistake(network("input: [3, 8]\nstem: [relu]").graph).code == "E-TYPE"
    assert network("stem: [relu]").graph((3, 4, 4)).output_shape == (3, 4, 4)


def test_data_wins_over_the_file():
    net = network("params: {classes: 10}\ninput: [3, 8, 8]\nhead: [global_avgpool, linear: classes]").fitted((1, 16, 16), 7)
    assert net.input_shape == (1, 16, 16) and net.graph().output_shape == (7,)


def test_an_edited_import_is_read_again(tmp_path):
    """Files are read once per content, also those that an unchanged file imports."""
    head = "format: blockspace/{0}/1\n{0}: {1}\n"
    (tmp_path / "mine.yaml").write_text(head.format("block", "mine") + "flow: [conv3x3: 4]\n")
    net = tmp_path / "net.yaml"
    net.write_text(head.format("network", "net") + "blocks: {mine: ./mine.yaml}\ninput: [3, 8, 8]\nstages: [mine]\n")
    assert outs(load(str(net)).graph()) == [4]
    (tmp_path / "mine.yaml").write_text(head.format("block", "mine") + "flow: [conv3x3: 5]\n")
    os.utime(tmp_path / "mine.yaml", (1, 1))
    assert outs(load(str(net)).graph()) == [5]
