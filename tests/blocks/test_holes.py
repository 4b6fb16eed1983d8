"""Holes, their names and domains: grammar rules 12 and 13, and anchors."""

from __future__ import annotations

from textwrap import dedent

import pytest
from written import mistake, network

from blockspace import load
from blockspace.blocks import Categorical, IntRange, load_unchecked, serialize_network
from blockspace.errors import BlockspaceError
from blockspace.searching import SearchSpace

TAIL = "head: [global_avgpool, linear: 10]"


def holes(text: str) -> dict:
    return network(f"{dedent(text)}\n{TAIL}").holes.holes


def test_names_of_params_alternatives_and_settings():
    found = holes(
        """
        params:
          base: {search: [8, 16]}
          block:
            default: hs
            search:
              hs: {hs_bottleneck: {splits: {default: 4, search: 2..4}}}
              resnext: {resnext: {cardinality: {search: [1, 2]}, width: {search: 2..64 log}}}
              plain: resnet_bottleneck
        input: [3, 16, 16]
        stages:
          - {block: block, out_channels: 32, repeat: {search: 1..3}}
          - {block: block, name: deep, out_channels: 64, stride: {search: [1, 2]}}
        """
    )
    assert list(found) == [
        "base", "block", "block.hs.splits", "block.resnext.cardinality", "block.resnext.width", "stage1.repeat", "deep.stride",
    ]  # fmt: skip
    assert found["block"].under is None and found["block.hs.splits"].under == ("block", "hs")
    assert found["block.resnext.width"].domain == IntRange(2, 64, log=True)
    assert found["block"].domain.tokens == ("hs", "resnext", "plain") and found["block"].default == "hs"
    assert found["base"].default == 8  # without `default`, the first of its domain


def test_stages_are_counted_by_their_block_steps():
    found = holes("input: [3, 8, 8]\nstages: [{block: conv3x3, out: {search: [4, 8]}}, maxpool2x2, {block: conv3x3, out: {search: [4]}}]")
    assert list(found) == ["stage1.out", "stage2.out"]


def test_holes_of_stem_head_lets_defaults_and_parts():
    found = holes(
        """
        params: {act: relu}
        let: {w: {search: [4, 8]}}
        defaults: {act: {search: [relu, silu]}}
        parts: {mix: [conv3x3: {out: w, stride: {search: [1, 2]}}]}
        input: [3, 8, 8]
        stem: [conv3x3: {out: {search: [4, 8]}}]
        stages: [mix]
        """
    )
    assert list(found) == ["w", "act", "mix.stride", "stem.out"]


def test_two_holes_of_one_name_are_numbered():
    found = holes("input: [3, 8, 8]\nstem: [conv3x3: {out: {search: [4, 8]}}, conv3x3: {out: {search: [4, 8]}}]")
    assert list(found) == ["stem.out", "stem.out_2"]


def test_a_param_is_one_value_for_all_its_users():
    text = "params: {w: {search: [4, 8]}}\ninput: [3, 8, 8]\nstem: [conv3x3: w, conv1x1: w]\n" + TAIL
    graph = network(text).graph(values={"w": 8})
    assert [graph[f"stem.conv{k}x{k}.conv"].op.out_channels for k in (3, 1)] == [8, 8]


def test_a_stages_hole_is_tied_over_its_repeats():
    text = "input: [3, 8, 8]\nstages: [{block: conv3x3, repeat: 3, out: {search: [4, 8]}}]\n" + TAIL
    graph = network(text).graph(values={"stage1.out": 8})
    assert [node.op.out_channels for node in graph if node.op.name == "conv"] == [8, 8, 8]


def test_a_library_blocks_own_search_stays_closed():
    text = "input: [3, 8, 8]\nstages: [{block: resnext, out_channels: 32%s}]\n"
    assert holes(text % "") == {}
    found = holes(text % ", cardinality: {search: inherit}, width: {default: 8, search: [4, 8]}")
    assert found["stage1.cardinality"].domain == Categorical((1, 2, 4, 8, 16, 32), {})
    assert found["stage1.width"].default == 8


def test_inherited_alternatives(tmp_path):
    own = "format: blockspace/block/1\nblock: own\nparams: {op: {default: a, search: {a: [relu], b: [conv3x3: same]}}}\nflow: [block: op]\n"
    (tmp_path / "own.yaml").write_text(own)
    text = "blocks: {own: own.yaml}\ninput: [3, 8, 8]\nstages: [{block: own, op: {default: b, search: inherit}}]\n" + TAIL
    found = network(text, str(tmp_path / "n.yaml"))
    assert any(node.op.name == "conv" for node in found.graph())
    assert not any(node.op.name == "conv" for node in found.graph(values={"stage1.op": "a"}))


def test_nothing_to_inherit():
    text = "input: [3, 8, 8]\nstages: [{block: resnext, out_channels: 32, stride: {search: inherit}}]\n" + TAIL
    assert mistake(lambda: network(text).holes).code == "E-RANGE"


def test_each_use_of_an_anchor_is_a_hole_of_its_own():
    found = holes("params: {a: &x {search: [4, 8]}, b: *x}\ninput: [3, 8, 8]\nstem: [conv3x3: a, conv3x3: b]")
    assert list(found) == ["a", "b"]


EACH = """
params: {{n: {n}}}
input: [12, 8, 8]
stem:
  - split: {{chunk: n}}
    each: [conv3x3: {{out: {{default: 4, search: [4, 8]{untied}}}}}]
    merge: concat
head: [global_avgpool, linear: 10]
"""


def outs(graph) -> list[int]:
    return [node.op.out_channels for node in graph if node.op.name == "conv"]


def test_holes_in_each_are_tied():
    net = network(EACH.format(n=3, untied=""))
    assert list(net.holes.holes) == ["stem.out"]
    assert outs(net.graph(values={"stem.out": 8})) == [8, 8, 8]


def test_untied_holes_are_one_per_part():
    net = network(EACH.format(n=3, untied=", untied: true"))
    assert list(net.holes.holes) == ["stem.out.part1", "stem.out.part2", "stem.out.part3"]
    assert outs(net.graph(values={"stem.out.part1": 8, "stem.out.part3": 8})) == [8, 4, 8]
    assert SearchSpace(net).size() == 8


def test_untied_holes_reach_the_largest_number_of_parts():
    net = network(EACH.format(n="{default: 2, search: 2..4}", untied=", untied: true"))
    assert list(net.holes.holes) == ["n", *(f"stem.out.part{i}" for i in range(1, 5))]
    assert outs(net.graph(values={"n": 4, "stem.out.part4": 8})) == [4, 4, 4, 8]


def test_untied_alternatives_have_knobs_of_their_own():
    net = network(
        """
        input: [12, 8, 8]
        stem:
          - split: {chunk: 2}
            each: [block: {default: a, untied: true, search: {a: [conv1x1: same], b: [conv3x3: {out: {search: [6, 12]}}]}}]
            merge: concat
        head: [global_avgpool, linear: 10]
        """
    )
    assert list(net.holes.holes) == ["stem.part1", "stem.part2", "stem.part1.b.out", "stem.part2.b.out"]
    assert net.holes.holes["stem.part2.b.out"].under == ("stem.part2", "b")
    assert outs(net.graph(values={"stem.part1": "a", "stem.part2": "b", "stem.part2.b.out": 12})) == [6, 12]


LOOSE = """
params:
  n: {default: 2, search: 1..4}
  how: {default: copy, search: [copy, chunk]}
  loose: {default: false, search: [false, true]}
input: [12, 8, 8]
stem:
  - split: {if: how == copy, then: {copy: n}, else: {chunk: n}}
    each: [conv3x3: {out: {default: 4, search: [4, 8], untied: loose}}]
    merge: concat
head: [global_avgpool, linear: 10]
"""


def test_a_param_unties_the_parts():
    net = network(LOOSE)
    assert list(net.holes.holes) == ["n", "how", "loose", *(f"stem.out.part{i}" for i in range(1, 5))]
    assert [hole.under for hole in net.holes.holes.values()][3:] == [None, *[("loose", True)] * 3]
    assert outs(net.graph(values={"n": 3, "loose": False, "stem.out.part1": 8, "stem.out.part2": 4})) == [8, 8, 8]
    assert outs(net.graph(values={"n": 3, "loose": True, "stem.out.part1": 8, "stem.out.part3": 8})) == [8, 4, 8]


def test_tied_or_untied_it_is_written_as_a_network_of_its_own(tmp_path):
    net = network(LOOSE)
    for number, loose in enumerate((False, True)):
        values = {"n": 3, "how": "chunk", "loose": loose, "stem.out.part1": 8, "stem.out.part2": 4, "stem.out.part3": 4}
        path = tmp_path / f"{number}.yaml"
        path.write_text(serialize_network(net, values))
        assert outs(load(path).graph()) == outs(net.graph(values=values))


def test_untied_by_a_param_is_for_holes_that_are_always_there():
    inside = LOOSE.replace("[conv3x3: {out: {default: 4, search: [4, 8], untied: loose}}]",
                           "[block: {default: a, search: {a: [conv1x1: {out: {search: [4, 8], untied: loose}}], b: [relu]}}]")  # fmt: skip
    assert mistake(lambda: network(inside).holes).code == "E-RANGE"


@pytest.mark.parametrize(
    "text", ["stem: [conv3x3: {out: {search: [4], untied: true}}]", "params: {w: {search: [4], untied: true}}\nstem: [relu]"]
)
def test_untied_outside_each(text):
    assert mistake(lambda: network("input: [3, 8, 8]\n" + text).holes).code == "E-RANGE"


@pytest.mark.parametrize(
    "domain, values",
    [
        ("2..5", [2, 3, 4, 5]),
        ("8..32 step 8", [8, 16, 24, 32]),
        ("1..4 log", [1, 2, 3, 4]),
        ("[4, 0.5, relu, true]", [4, 0.5, "relu", True]),
    ],
)
def test_domains(domain, values):
    assert list(holes(f"params: {{w: {{search: {domain}}}}}\ninput: [3, 8, 8]\nstem: [relu]")["w"].domain.values()) == values


@pytest.mark.parametrize(
    "domain",
    ["[]", "5..2", "1..4 step 0", "0..4 log", "often", "[1, 1]", "1.5..2", "{}", "[[relu], []]", "2..nan", "1..1e9 log", "1..1000000"],
)
def test_domains_that_cannot_be(domain):
    assert mistake(lambda: holes(f"params: {{w: {{search: {domain}}}}}\ninput: [3, 8, 8]\nstem: [relu]")).code == "E-RANGE"


def test_a_hole_has_no_other_keys():
    assert mistake(lambda: holes("input: [3, 8, 8]\nstem: [conv3x3: {out: {search: [4, 8], defalt: 8}}]")).code == "E-KEY"


def test_solve_names_a_cost_and_has_a_range():
    text = "input: [3, 8, 8]\nstem: [conv3x3: {out: %s}]\n" + TAIL
    found = network(text % "{solve: macs, range: 4..64 step 4, default: 8}").holes.unknowns["stem.out"]
    assert (found.cost, found.domain, found.default) == ("macs", IntRange(4, 64, 4), 8)
    assert network(text % "{solve: macs, range: 4..64}").holes.unknowns["stem.out"].default == 4
    for bad in ("{solve: time, range: 1..4}", "{solve: macs}", "{solve: macs, range: [1, 2]}", "{solve: macs, range: 4..1}"):
        assert mistake(lambda: network(text % bad).holes).code == "E-RANGE"  # noqa: B023
    assert mistake(lambda: network(text % "{solve: macs, range: 1..4, rang: 1}").holes).code == "E-KEY"


def test_an_alternatives_words_belong_to_its_param_alone():
    text = "params: {mode: {default: wide, search: [wide, thin]}}\ninput: [3, 8, 8]\nstem: [conv3x3: 8 if mode == wide else 4]\n" + TAIL
    assert outs(network(text).graph()) == [8] and outs(network(text).graph(values={"mode": "thin"})) == [4]
    assert outs(network(text, mode="thin").graph()) == [4]
    assert mistake(network(text.replace("== wide", "== broad")).graph).code == "E-NAME"


def test_alternatives_are_evaluated_where_they_are_used():
    text = """
    params: {op: {default: conv, search: {conv: [conv3x3: {out: out, stride: stride}], none: [conv1x1: {out: out, stride: stride}]}}}
    parts: {cell: {params: {out: 8, stride: 1}, flow: [block: op]}}
    input: [3, 8, 8]
    stages: [{block: cell, out: 8, stride: 2}, {block: cell, out: 16}]
    head: [global_avgpool, linear: 10]
    """
    assert [node.shape for node in network(text).graph() if node.op.name == "conv"] == [(8, 4, 4), (16, 4, 4)]


def test_every_mistake_of_the_holes_comes_at_once_with_the_files(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(f"""
format: blockspace/network/1
network: net
params:
  low: {{search: 8..2}}
  empty: {{search: []}}
  solved: {{solve: beauty, range: 1..4}}
input: [3, 8, 8]
stem: [conv1x1: {{out: {{search: x..y}}}}]
stages: [{{block: convv3x3, out: 8}}]
{TAIL}
""")
    with pytest.raises(BlockspaceError) as caught:
        load_unchecked(str(path)).graph()
    said = [found.message for found in caught.value.mistakes]
    assert sorted(said) == sorted(set(said)) and len(said) == 5
    for words in ("'convv3x3'", "the domain '8..2' is empty", "an empty domain", "'x..y' is not a domain", "names a cost"):
        assert any(words in message for message in said), said


@pytest.mark.parametrize("given", ["{solve: macs, range: [8, 16]}", "{solve: macs}"])
def test_a_solved_value_without_a_range_in_an_imported_block(given, tmp_path):
    (tmp_path / "mine.yaml").write_text(f"format: blockspace/block/1\nblock: mine\nparams: {{w: {given}}}\nflow: [conv1x1: w]\n")
    text = "blocks: {mine: mine.yaml}\ninput: [3, 8, 8]\nstem: [mine]\nhead: [global_avgpool, linear: 10]"
    assert mistake(network(text, str(tmp_path / "n.yaml")).graph).code == "E-RANGE"


def test_the_default_of_a_solved_value_is_a_whole_number():
    text = f"params: {{w: {{default: half, solve: macs, range: 8..16}}}}\ninput: [3, 8, 8]\nstem: [conv1x1: w]\n{TAIL}"
    assert mistake(network(text).graph).code == "E-RANGE"


# -- filled by name ------------------------------------------------------------------------------------------------------------------------

SPACE = f"""
params:
  base: {{default: 8, search: [4, 8]}}
  untied: {{default: false, search: [false, true]}}
  block:
    default: plain
    search: {{plain: [conv3x3: {{out: base, groups: {{search: [1, 2, 4]}}}}], wide: [conv1x1: {{out: {{search: 8..32 step 8}}}}]}}
input: [3, 8, 8]
stem: [conv3x3: base]
stages:
  - {{block: block, repeat: {{default: 1, search: 1..3}}}}
  - {{split: {{chunk: 2}}, each: [conv3x3: {{out: {{default: 4, search: [4, 6], untied: untied}}}}], merge: concat}}
  - {{block: conv1x1, out: {{solve: macs, range: 1..64, default: 16}}}}
{TAIL}
"""


def test_holes_and_solved_values_are_given_by_name_as_params_are():
    net = network(SPACE, base=4, block="wide", **{"block.wide.out": 24, "stage1.repeat": "2", "stage2.out": 5})
    values = {"base": 4, "block": "wide", "block.wide.out": 24, "stage1.repeat": 2, "stage2.out": 5}
    assert net.graph().key() == network(SPACE).graph(values=values).key()
    assert net.filled == {"block.wide.out": 24, "stage1.repeat": 2, "stage2.out": 5} and net.settings == {"base": 4, "block": "wide"}
    assert net(**{"stage1.repeat": 3}).fitted((1, 8, 8), 10).filled["stage1.repeat"] == 3
    again = network(serialize_network(net, {}).partition("network: n\n")[2])
    assert again.graph().key() == net.graph().key() and not len(again.open)
    assert "stage1.repeat=2" in repr(net)


def test_what_was_given_is_open_no_more():
    whole, net = network(SPACE).open, network(SPACE, block="plain", **{"block.plain.groups": 2, "stage2.out": 5}).open
    assert list(net.holes) == ["base", "untied", "stage1.repeat", "out.part1", "out.part2"] and not net.unknowns
    assert set(whole.holes) - set(net.holes) == {"block", "block.plain.groups", "block.wide.out"}
    loose = network(SPACE, untied="true", block="wide")
    assert loose.open.holes["out.part2"].under is None and loose.open.holes["block.wide.out"].under is None
    space = SearchSpace(loose)
    assert space.size() == 2 * 4 * 3 * 2 * 2
    assert set(space.random(0)) == {"base", "block.wide.out", "stage1.repeat", "out.part1", "out.part2"}
    filled = network(SPACE, **{"stage1.repeat": 3})
    assert SearchSpace(filled).sample(0).key() == network(SPACE).graph(values=SearchSpace(filled).random(0) | {"stage1.repeat": 3}).key()


def test_a_param_that_is_searched_takes_what_any_param_takes():
    assert network(SPACE, base=12).graph().nodes["stem.conv3x3.conv"].shape[0] == 12, "12 is none of 4 and 8"


def test_every_wrong_value_of_a_hole_is_said():
    given = {"stage1.repeat": 4, "stage1.repeats": 2, "block.wide.out": 8, "out.part2": 4, "stage2.out": "many", "no": 1, "out.part1": [4]}
    with pytest.raises(BlockspaceError) as caught:
        network(SPACE, **given)
    assert [(m.code, m.message) for m in caught.value.mistakes] == [
        ("E-SPACE", "stage1.repeat cannot be 4"),
        ("E-KEY", "n has no param or hole 'stage1.repeats'"),
        ("E-SPACE", "block.wide.out exists only where block is wide"),
        ("E-SPACE", "out.part2 exists only where untied is true"),
        ("E-SPACE", "stage2.out cannot be many"),
        ("E-KEY", "n has no param or hole 'no'"),
        ("E-SPACE", "out.part1 cannot be [4]"),
    ]
    helps = [m.help for m in caught.value.mistakes]
    assert helps[0] == "its domain: 1..3" and helps[1].startswith("did you mean 'stage1.repeat'?") and helps[2] == "set block to wide"
