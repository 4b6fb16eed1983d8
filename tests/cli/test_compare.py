"""blockspace compare: settings for one side or both, what is said of costs and structure, and the drawings' places."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from blockspace import cost, load
from blockspace.blocks import serialize_network
from blockspace.cli import main
from blockspace.graph import Structure, to_node_link


def said(capsys, *argv: str) -> str:
    assert main(["compare", *argv]) == 0
    return capsys.readouterr().out


def refused(capsys, *argv: str) -> str:
    assert main(["compare", *argv]) == 2
    out, err = capsys.readouterr()
    assert not out and "Traceback" not in err
    return err


def row(text: str, name: str) -> list[str]:
    return next(line.split()[len(name.split()) :] for line in text.splitlines() if line.startswith(name))


def test_two_forms_of_one_block(capsys):
    """ResNeXt's figure 3 (a) and (c): equal params and macs (table 1 of the paper), and 32 branches' worth of memory access."""
    text = said(capsys, "resnext", "resnext_a", "input=256x56x56")
    a, b = (cost(load(name).graph((256, 56, 56))) for name in ("resnext", "resnext_a"))
    assert row(text, "params") == [f"{a.params:,}", f"{b.params:,}", "equal"]
    assert row(text, "acts") == [f"{a.acts:,}", f"{b.acts:,}", f"{b.acts / a.acts:.4g}"]
    assert row(text, "  conv3x3 in 32 groups") == ["1", "0"] and row(text, "  conv3x3") != []
    assert "the same network: both have the canonical key v" in text and "A  resnext at 256x56x56" in text


def test_the_same_network_under_two_names(capsys, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    text = said(capsys, "resnet_bottleneck", str(file), "input=64x8x8", "out_channels=64")
    assert "the same network: both have the canonical key v" in text
    assert all(row(text, name)[-1] == "equal" for name in ("params", "macs", "acts", "moved", "peak memory", "receptive field"))


MINE = """format: blockspace/block/1
block: mine
params: {out_channels: 256, stride: 1}
flow:
  - branches:
      skip: [shortcut]
      main: [conv1x1: out_channels / 4, conv3x3: same, conv1x1: {out: out_channels, act: none}]
    merge: add
  - relu
"""


def test_settings_of_one_side_and_of_both(capsys):
    text = said(capsys, "resnext", "resnext", "width=8", "A.cardinality=8", "B.cardinality=4", "input=64x8x8", "--json")
    found = json.loads(text)
    assert found["A"]["settings"] == {"width": "8", "cardinality": "8"} and found["B"]["settings"] == {"width": "8", "cardinality": "4"}
    for side, cardinality in (("A", 8), ("B", 4)):
        assert found[side]["costs"] == cost(load("resnext", width=8, cardinality=cardinality).graph((64, 8, 8))).as_dict()
        assert found[side]["structure"]["ops"][f"conv3x3 in {cardinality} groups"] == 1
    assert found["same"] is False and found["ratio"]["macs"] == found["B"]["costs"]["macs"] / found["A"]["costs"]["macs"]


def test_a_setting_goes_where_there_is_such_a_param(capsys):
    found = json.loads(said(capsys, "resnext", "resnet_bottleneck", "cardinality=8", "--json"))
    assert found["A"]["settings"] == {"cardinality": "8"} and found["B"]["settings"] == {}
    assert found["A"]["input"] == found["B"]["input"] == [256, 56, 56], "both read the same"


def test_networks_are_compared_stage_by_stage(capsys):
    text = said(capsys, "resnet50", "resnext50_32x4d")
    assert row(text, "layers on the deepest path") == ["50", "50"]
    for stage in ("stem", "stage1", "stage4", "head"):
        assert row(text, stage)
    assert row(text, "stem")[-1] == "equal" and row(text, "stage2")[:2] == ["512x28x28", "512x28x28"]
    assert "2 x stage1.block2  resnext" in text


def test_a_trial_of_a_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "mine" / "trials" / "0017"
    folder.mkdir(parents=True)
    (folder / "arch.yaml").write_text(serialize_network(load("resnet50"), {}))
    assert "the same network" in said(capsys, "resnet50", "runs/mine#17")
    assert "no network '18'" in refused(capsys, "resnet50", "runs/mine#18")


@pytest.mark.parametrize(
    "argv, words",
    [
        ([], "needs two"),
        (["resnext"], "needs two"),
        (["resnext", "input=256x56x56"], "needs two"),
        (["resnext", "resnxt"], "resnext"),
        (["resnext", "resnet_bottleneck", "cardinalty=3"], "cardinality"),
        (["resnext", "resnet_bottleneck", "B.cardinality=3"], "no param 'cardinality'"),
        (["resnext", "resnet_bottleneck", "A.input=3x3"], "input shape"),
        (["resnext", "resnet_bottleneck", "width"], "not a setting"),
        (["resnext", "resnet_bottleneck", "--nothing"], "No such option"),
    ],
)
def test_mistakes(argv, words, capsys):
    assert words in refused(capsys, *argv)


def test_drawings_stand_side_by_side_where_there_is_room(capsys, monkeypatch):
    for width, together in (("300", True), ("100", False)):
        monkeypatch.setenv("COLUMNS", width)
        text = said(capsys, "resnext", "resnet_bottleneck", "input=256x56x56")
        assert any("A  resnext" in line and "B  resnet_bottleneck" in line for line in text.splitlines()) is together


def test_both_pictures_in_one_file(capsys, tmp_path):
    file = tmp_path / "both.svg"
    assert str(file) in said(capsys, "resnext", "resnet_bottleneck", "input=256x56x56", "--svg", str(file))
    root = ElementTree.parse(file).getroot()
    left, right = (part for part in root if part.tag.endswith("svg"))
    gap = int(right.get("x")) - int(left.get("width"))
    assert gap > 0 and int(root.get("width")) == int(left.get("width")) + gap + int(right.get("width"))
    assert int(root.get("height")) == max(int(part.get("height")) for part in (left, right))
    assert [part.get("aria-label").partition(":")[0] for part in (left, right)] == ["resnext", "resnet_bottleneck"]


def test_depth_is_the_papers():
    """The number in the name: convolutions and the linear layer on the longest path."""
    for name, depth in (("resnet50", 50), ("resnet18", 18), ("vgg16", 16), ("densenet121", 121)):
        assert Structure.of(load(name).graph()).layers == depth


def test_show_has_a_table_of_nodes(capsys):
    assert main(["show", "resnet_bottleneck", "input=256x56x56", "--nodes"]) == 0
    text = capsys.readouterr().out
    conv, add = (next(line for line in text.splitlines() if line.startswith(name)) for name in ("main.conv3x3.conv", "add "))
    assert "conv3x3 64" in conv and "36,864" in conv and "115,605,504" in conv and "3 px" in conv
    assert "9.188 MiB" in add and "moved" in text and "receptive field at 256x56x56" in text


@pytest.fixture
def dag(tmp_path, monkeypatch):
    """A graph in networkx's node-link form, in a file whose name needs no care."""
    monkeypatch.chdir(tmp_path)
    graph = load("resnext").graph((64, 16, 16))
    (tmp_path / "dag #1.json").write_text(json.dumps(to_node_link(graph)))
    return "dag #1.json"


def test_a_graph_file_is_compared(dag, capsys):
    for pair in ((dag, "resnext"), ("resnext", dag)):
        found = json.loads(said(capsys, *pair, "--json"))
        assert found["same"] and found["A"]["input"] == found["B"]["input"] == [64, 16, 16], "a block takes the graph's input"
    text = said(capsys, dag, "resnext", "cardinality=4")
    assert text.startswith("A  dag #1.json at 64x16x16") and "not the same network" in text
    found = json.loads(said(capsys, dag, dag, "--json"))
    assert found["same"] and found["ratio"]["macs"] == 1


@pytest.mark.parametrize("words", ["locate FILE --in universal", "train FILE", "search FILE", "cp FILE a.yaml"])
def test_a_graph_file_is_refused_in_one_line_where_params_are_needed(words, dag, capsys):
    assert main([dag if word == "FILE" else word for word in words.split()]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and dag in told and "Traceback" not in told
    assert "cp" in words or "search" in words or "`compare` and `export` read it" in told


def test_settings_of_a_graph_file_are_refused(dag, capsys):
    for argv in ([dag, dag, "input=3x8x8"], [dag, dag, "width=3"], [dag, "resnext", "A.width=3"]):
        assert main(["compare", *argv]) == 2 and capsys.readouterr().err.startswith("error: ")
