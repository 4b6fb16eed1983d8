"""The universal unit: it is each published unit under some values of its holes, needs every hole for that, and nearly always builds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from written import block

from blockspace import BlockspaceError, canonical, load
from blockspace.blocks import list_stage_blocks
from blockspace.cli import main
from blockspace.searching import BlockMatch, SearchSpace, match_block

SPACE = "searchspaces/universal.yaml"
NETWORK = load(SPACE)
HOLES = NETWORK.holes.holes
SLOW = {
    "inception_v1", "inception_v1, 3", "inception_v1, 4a", "resnext, a", "res2net, opening", "res2net, 2", "ghost, 3",
    "split", "carry", "untied", "opening", "merge", "keep", "squeeze", "k", "bare", "ends", "order", "open", "groups",
    "shuffle", "reduce", "op", "act", "depth", "parts", "close", "res2net, opening in 2", "hs", "hs, 3", "hs, wider", "res2net",
}  # fmt: skip

# family: (block, settings, input channels), at all strides that the block has
FAMILIES = {
    "resnet_basic": ("resnet_basic", {}, 64),
    "resnet_basic, 2": ("resnet_basic", {"stride": 2, "out_channels": 32}, 16),
    "resnet_basic, padded": ("resnet_basic", {"stride": 2, "out_channels": 32, "pool": "pad"}, 16),
    "resnet_bottleneck": ("resnet_bottleneck", {"out_channels": 64}, 64),
    "resnet_bottleneck, 2": ("resnet_bottleneck", {"out_channels": 64, "stride": 2}, 32),
    "resnet_bottleneck, D": ("resnet_bottleneck", {"out_channels": 64, "stride": 2, "pool": "avg"}, 32),
    "resnext": ("resnext", {}, 256),
    "resnext, 2": ("resnext", {"stride": 2, "out_channels": 64, "cardinality": 8, "width": 3}, 32),
    "resnext, a": ("resnext_a", {"out_channels": 32, "cardinality": 4, "width": 2}, 32),
    "inception_v1": ("inception_v1", {}, 192),
    "inception_v1, 3": ("inception_v1", {"k3": 3}, 192),
    "inception_v1, 4a": ("inception_v1", {"b1": 192, "b2": 208, "b3": 48, "b4": 64}, 480),
    "res2net": ("res2net", {"out_channels": 64, "width": 6}, 64),
    "res2net, 3": ("res2net", {"out_channels": 64, "width": 6, "scale": 3}, 64),
    "res2net, opening": ("res2net", {"out_channels": 64, "width": 6, "opening": True}, 16),
    "res2net, opening in 2": ("res2net", {"out_channels": 64, "width": 5, "scale": 2, "opening": True}, 16),
    "res2net, 2": ("res2net", {"out_channels": 64, "width": 6, "opening": True, "stride": 2}, 32),
    "hs": ("hs_bottleneck", {}, 256),
    "hs, 3": ("hs_bottleneck", {"out_channels": 64, "width": 5, "splits": 3}, 64),
    "hs, wider": ("hs_bottleneck", {"out_channels": 64, "width": 6, "splits": 3}, 32),
    "hs, 2": ("hs_bottleneck", {"out_channels": 64, "stride": 2}, 32),
    "se_bottleneck": ("se_bottleneck", {"out_channels": 64}, 64),
    "se_bottleneck, 2": ("se_bottleneck", {"out_channels": 64, "stride": 2, "ratio": 8, "cardinality": 4, "width": 3}, 32),
    "shufflenet_v1": ("shufflenet_v1", {}, 240),
    "shufflenet_v1, 2": ("shufflenet_v1", {"out_channels": 480, "stride": 2}, 240),
    "shufflenet_v1, first": ("shufflenet_v1", {"out_channels": 240, "stride": 2, "groups_in": 1}, 24),
    "shufflenet_v1, 8": ("shufflenet_v1", {"out_channels": 384, "groups": 8}, 384),
    "shufflenet_v2": ("shufflenet_v2", {}, 116),
    "shufflenet_v2, 2": ("shufflenet_v2", {"stride": 2}, 24),
    "inverted_residual": ("inverted_residual", {}, 24),
    "inverted_residual, 2": ("inverted_residual", {"stride": 2, "out_channels": 32, "expand": 3, "k": 5}, 24),
    "inverted_residual, 1": ("inverted_residual", {"expand": 1, "out_channels": 16}, 32),
    "ghost": ("ghost", {}, 64),
    "ghost, 3": ("ghost", {"ratio": 3, "out_channels": 48}, 64),
    "dense_layer": ("dense_layer", {}, 64),
    "dense_layer, plain": ("dense_layer", {"growth": 12, "expand": 0}, 24),
}
NEEDED_BY = {  # the family that each hole is needed for
    "residual": "shufflenet_v2", "ends": "inverted_residual", "open": "shufflenet_v1", "close": "resnet_basic", "shuffle": "shufflenet_v1",
    "squeeze": "se_bottleneck", "split": "hs, 3", "parts": "hs, 3", "untied": "inception_v1", "bare": "shufflenet_v2", "keep": "hs, 3",
    "carry": "hs, 3", "opening": "res2net, opening in 2", "merge": "res2net, 3", "act": "inverted_residual", "order": "dense_layer, plain",
    "op": "inverted_residual", "k": "inception_v1", "depth": "resnet_basic", "groups": "resnext", "reduce": "hs, 3",
    "out": "resnet_basic, 2",
}  # fmt: skip


def cases(names) -> list:
    """Those that are looked for in a second, and the others, marked."""
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


def graph_of(family: str):
    name, settings, channels = FAMILIES[family]
    return load(name, **settings).graph((channels, 8, 8))


def written(hole: str) -> str:
    """The name that a hole is written under: those of all parts are one."""
    return re.sub(r".*\.(\w+)\.part\d+", r"\1", hole)


@pytest.mark.parametrize("family", cases(FAMILIES))
def test_the_unit_is_each_family(family):
    graph = graph_of(family)
    found = match_block(NETWORK, graph)
    assert isinstance(found, BlockMatch), found
    ours = found.place.graph(graph.input_shape, found.values | found.solved, found.given)
    assert canonical(ours).key() == canonical(graph).key()
    assert all(token in HOLES[name].domain for name, token in found.values.items())


def test_every_hole_has_a_family():
    assert {written(name) for name in HOLES} == set(NEEDED_BY)


@pytest.mark.parametrize("hole", cases(NEEDED_BY))
def test_without_a_hole_a_family_is_lost(hole):
    fixed = {name: one.default for name, one in HOLES.items() if written(name) == hole}
    assert not isinstance(match_block(NETWORK, graph_of(NEEDED_BY[hole]), fixed), BlockMatch)


def table() -> list[tuple[str, dict, int]]:
    """The rows of the table in the documentation: a block, the holes off their defaults, the width."""
    found = []
    for name, text, width in re.findall(r"^\| `(\w+)` \| `?(.*?)`? \| (\d+) \|$", Path("docs/universal.md").read_text(), re.MULTILINE):
        pairs = [pair.split("=") for pair in text.split() if pair != "none"]
        found.append((name, {hole_of(key): yaml.safe_load(value) for key, value in pairs}, int(width)))
    return found


def hole_of(short: str) -> str:
    name, _, part = short.partition(".")
    return short if short in HOLES else f"unit.main.{name}.{part or 'part1'}"


@pytest.mark.parametrize("name, values, width", [pytest.param(*row, id=row[0]) for row in table()])
def test_the_documented_points(name, values, width):
    template = load(name)
    graph, place = template.graph(template.usual_shape), list_stage_blocks(NETWORK)[0]
    given = {"out_channels": graph.output_shape[0], "stride": 1}
    assert set(values) <= set(HOLES)
    assert place.graph(graph.input_shape, values | {f"{place.name}.width": width}, given).key() == graph.key()


def test_every_block_that_is_located_is_documented():
    assert {name for name, *_ in table()} | {"resnext_a"} == {name for name, *_ in FAMILIES.values()}


@pytest.mark.parametrize("draws", [60, pytest.param(5000, marks=pytest.mark.slow)])
def test_nearly_every_draw_builds(draws):
    space = SearchSpace(NETWORK)
    assert sum(builds(space, seed) for seed in range(draws)) >= 0.95 * draws


def builds(space: SearchSpace, seed: int) -> bool:
    try:
        return space.graph(space.random(seed)) is not None
    except BlockspaceError:
        return False


def test_the_unit_names_no_block_and_holds_one_split_in_one_pair():
    from blockspace.blocks import list_names

    text = re.sub(r"#.*|doc: .*", "", open(SPACE).read())
    steps = {word for line in text.splitlines() for word in re.findall(r"[-{\[] ?\{?(\w+):", line)} | set(re.findall(r"- (\w+)$", text))
    assert not steps & set(list_names("block"))
    unit = NETWORK.file.parts["unit"]
    assert text.count("- split:") == 2 and len(unit.flow.items[0].items["branches"].items) == 2


def test_a_block_that_no_values_make_is_told_with_what_lacks(capsys):
    assert main(["locate", "se", "--in", SPACE]) == 2
    said = capsys.readouterr().err
    assert "no values of universal were found that make se" in said and "adaptive_avgpool" in said and "Traceback" not in said


@pytest.mark.parametrize("argv, code", [(["nosuch", "--in", SPACE], "E-OP"), (["resnext", "--in", "resnet18"], "E-SPACE"),
                                        (["resnext", "--in", "no.yaml"], "E-FILE"), (["resnet18", "--in", SPACE], "E-OP")])  # fmt: skip
def test_mistakes_have_their_usual_code(argv, code, capsys):
    assert main(["locate", *argv, "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == code


def test_as_json_it_can_be_read_back(capsys):
    assert main(["locate", "resnext", "cardinality=8", "input=64x8x8", "out_channels=64", "--in", SPACE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    graph = list_stage_blocks(NETWORK)[0].graph((64, 8, 8), found["values"] | found["solved"], found["given"])
    assert found["same"] and graph.key() == found["key"] and found["changed"] == {"unit.main.groups.part1": 8}


def test_any_space_may_be_asked():
    other = load("searchspaces/hs_vs_resnext.yaml")
    found = match_block(other, load("hs_bottleneck", splits=4, width=7).graph((256, 8, 8)))
    assert found.changed == {"block.hs.splits": 4} and found.solved == {"stage2.width": 7}


def test_a_block_of_ones_own_is_located_by_what_it_is():
    own = block("- branches: {skip: [shortcut], main: [conv1x1: 16, conv3x3: {out: same, groups: 2}, conv1x1: {out: 64, act: none}]}\n"
                "  merge: add\n- relu", "params: {out_channels: 64, stride: 1}")  # fmt: skip
    assert match_block(NETWORK, own.graph((64, 8, 8))).changed == {"unit.main.groups.part1": 2}
