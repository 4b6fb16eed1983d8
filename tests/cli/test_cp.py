"""blockspace cp: the copy works where it stands, keeps every comment, and nothing is overwritten unasked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cases import try_each

from blockspace.blocks import list_families, list_names, load
from blockspace.cli import main
from blockspace.cli.inline_variant import inline_variant
from blockspace.schema import stored_path
from blockspace.study import load_study

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("searchspaces", "studies"):
        (tmp_path / folder).mkdir()
        for path in (ROOT / folder).glob("*.yaml"):
            (tmp_path / folder / path.name).write_text(path.read_text())
    return tmp_path


def comments(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line and "$schema" not in line]


MEMBERS = [name for family in list_families() for name in (family, *load(family).variants[-1:])]


def test_every_library_file_can_be_copied(here, capsys):
    try_each(lambda name: check_copy(name, here, capsys), [*list_names("block"), *MEMBERS])


def check_copy(name: str, here: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["cp", name]) == 0
    copy = here / f"my_{name}.yaml"
    assert f"next: blockspace show my_{name}.yaml" in capsys.readouterr().out
    mine, theirs = load(str(copy)), load(name)
    assert mine.name == f"my_{name}" and mine.params == theirs.params and mine.doc == theirs.doc
    if not theirs.file.variants:
        assert comments(copy.read_text()) == comments(Path(theirs.file.path).read_text())
    assert mine.reference == theirs.reference and mine.paper == theirs.paper and not mine.file.variants
    assert main(["check", str(copy)]) == 0


FAMILY = """format: blockspace/network/1
network: small   # as published
doc: >-
  Two lines
  of text.
reference: timm:small
params:
  classes: 10   # of the data
  n: {default: 1, doc: blocks}
  w: {doc: width, search: [8, 16]}
  end:
    search: [relu, silu]
  tail: [relu]
# the family
variants:
  small2: {n: 2}
  large:
    n: 3   # deeper
    w: 16
    end: silu
    tail:
      - conv1x1: 8
      - relu
    doc: "The large one: 3 blocks."
    paper: table 2   # of the appendix
# the network
input: [3, 32, 32]
stages: [{block: resnet_basic, repeat: n, out_channels: w}, end, {block: tail}]
head: [global_avgpool, linear: classes]
"""


def test_a_member_of_a_family_alone(here):
    Path("family.yaml").write_text(FAMILY)
    for name, doc in (("small", "Two lines of text."), ("small2", "small with n 2"), ("large", "The large one: 3 blocks.")):
        theirs = load("family.yaml", variant=name)
        Path("one.yaml").write_text(inline_variant(FAMILY, name, {"doc": theirs.doc, "paper": theirs.paper, "reference": theirs.reference}))
        mine = load("one.yaml")
        assert mine.graph().key() == theirs.graph().key() and mine.params == theirs.params
        assert (mine.doc, mine.paper, mine.reference) == (doc, theirs.paper, theirs.reference) and not mine.file.variants
        assert comments(Path("one.yaml").read_text()) == ["as published", "of the data", "the family", "the network"]


def test_a_family_of_ones_own_is_copied_whole(here, capsys):
    Path("family.yaml").write_text(FAMILY)
    assert main(["cp", "family.yaml", "other.yaml"]) == 0 and load("other.yaml").variants == ["small2", "large"]
    assert main(["check", "other.yaml"]) == 0
    assert [line.partition(": ok")[0] for line in capsys.readouterr().out.splitlines()[-3:]] == [
        "other.yaml", "other.yaml variant=small2", "other.yaml variant=large"
    ]  # fmt: skip


def test_the_graph_is_the_same(here):
    assert main(["cp", "resnext", "other.yaml"]) == 0
    shape = (64, 14, 14)
    assert load("other.yaml", out_channels=64).graph(shape).key() == load("resnext", out_channels=64).graph(shape).key()


@pytest.mark.parametrize("home", ["elsewhere", "of the package", "of both"])
def test_the_first_line_finds_the_schema_without_naming_a_user(here, home, monkeypatch, capsys):
    """In an own home folder the path is relative; a package in a home folder is not named in a file outside of it."""
    schema = stored_path("network")
    folder = {"elsewhere": here / "home", "of the package": schema.parents[1], "of both": Path("/")}[home]
    monkeypatch.setenv("HOME", str(folder))
    main(["cp", "resnet50", "deep/er.yaml"])
    copy, out = here / "deep" / "er.yaml", capsys.readouterr().out
    line = copy.read_text().splitlines()[0]
    if home == "of the package":
        assert "$schema" not in copy.read_text() and "blockspace schema network --path" in out
        return
    path = line.removeprefix("# yaml-language-server: $schema=")
    assert path == (schema.as_uri() if home == "elsewhere" else os.path.relpath(schema, copy.parent)) and "--path" not in out


def test_a_study_takes_its_space_along(here):
    assert main(["cp", "hs_vs_resnext", "own/question.yaml"]) == 0
    study = load_study("own/question.yaml")
    assert study.name == "question" and str(study.folder) == "runs/question"
    assert Path(study.space_path) == Path("searchspaces/hs_vs_resnext.yaml")
    assert "blockspace search own/question.yaml" in (here / "own" / "question.yaml").read_text(), "the header says the copy's command"


def test_a_copy_claims_no_result(here):
    try_each(lambda name: check_header(name, here), sorted(path.stem for path in (ROOT / "studies").glob("*.yaml")))


def check_header(name: str, here: Path) -> None:
    assert main(["cp", name]) == 0
    header = [line for line in Path(f"my_{name}.yaml").read_text().partition("format:")[0].splitlines() if "$schema" not in line]
    assert [line.partition(":")[0] for line in header] == ["# Question", "# Run", "# Takes"]
    theirs = [text for text in comments((here / "studies" / f"{name}.yaml").read_text().partition("format:")[2])]
    assert comments(Path(f"my_{name}.yaml").read_text().partition("format:")[2]) == theirs, "the other comments are kept"


def test_a_copied_study_finds_its_space_from_wherever_it_lies(here, tmp_path_factory):
    away = tmp_path_factory.mktemp("far away")
    Path("link").symlink_to(away, target_is_directory=True)
    Path("spaces of mine").mkdir()
    Path("searchspaces/hs_vs_resnext.yaml").rename("spaces of mine/own.yaml")
    study = Path("studies/hs_vs_resnext.yaml")
    study.write_text(study.read_text().replace("../searchspaces/hs_vs_resnext.yaml", '"../spaces of mine/own.yaml"'))
    for target in ("mine.yaml", "deep/er/mine.yaml", "link/mine.yaml", str(away / "other.yaml")):
        assert main(["cp", "hs_vs_resnext", target]) == 0
        assert Path(load_study(target).space_path).resolve() == here / "spaces of mine" / "own.yaml"
    assert main(["check", "mine.yaml", "link/mine.yaml"]) == 0


def test_a_study_whose_space_is_nowhere_is_not_copied(here, capsys):
    Path("searchspaces/hs_vs_resnext.yaml").unlink()
    assert main(["cp", "hs_vs_resnext"]) == 2 and not Path("my_hs_vs_resnext.yaml").exists()
    assert "its space '../searchspaces/hs_vs_resnext.yaml' does not exist" in capsys.readouterr().err


def test_imports_stay_right(here):
    Path("unit.yaml").write_text("format: blockspace/block/1\nblock: unit\nflow: [relu]\n")
    Path("net.yaml").write_text(
        "format: blockspace/network/1\nnetwork: net\nblocks: {unit: ./unit.yaml}   # mine\ninput: [3, 8, 8]\nstages: [unit]\n"
    )
    assert main(["cp", "net.yaml", "far/away/net2.yaml"]) == 0
    assert "blocks: {unit: ../../unit.yaml}   # mine" in Path("far/away/net2.yaml").read_text()
    assert main(["check", "far/away/net2.yaml"]) == 0


def test_nothing_is_overwritten_unasked(here, capsys):
    Path("mine.yaml").write_text("precious")
    assert main(["cp", "resnext", "mine.yaml"]) == 2 and "--force" in capsys.readouterr().err
    assert Path("mine.yaml").read_text() == "precious"
    assert main(["cp", "resnext", "mine.yaml", "--force"]) == 0 and load("mine.yaml").name == "mine"
    assert main(["cp", "mine.yaml", "mine.yaml", "--force"]) == 2, "a file is not copied onto itself"


@pytest.mark.parametrize(
    "argv, said",
    [
        (["resnxt"], "did you mean 'resnext'"),
        (["resnext", "folder"], "is not a YAML file"),
        (["resnext", "my block.yaml"], "cannot be the name of a block"),
        (["hs_vs_resnext", "Mine.yaml"], "cannot be the name of a study"),
        (["list.yaml"], "is not a block, network or study"),
    ],
)
def test_mistakes(argv, said, here, capsys):
    Path("list.yaml").write_text("- a\n")
    before = sorted(here.rglob("*"))
    assert main(["cp", *argv]) == 2 and said in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before


def test_paths_inside_a_block_that_is_written_in_place_are_rebased(tmp_path, monkeypatch):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "inner.yaml").write_text("format: blockspace/block/1\nblock: inner\nflow: [relu]\n")
    text = "format: blockspace/network/1\nnetwork: n\nblocks:\n  outer:\n    blocks: {inner: inner.yaml}\n    flow: [inner]\n"
    (tmp_path / "from" / "n.yaml").write_text(f"{text}input: [3, 8, 8]\nstem: [outer]\nhead: [global_avgpool, linear: 10]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["cp", "from/n.yaml", "copy.yaml"]) == 0
    assert "inner: from/inner.yaml" in (tmp_path / "copy.yaml").read_text()
    assert load("copy.yaml").graph().key() == load("from/n.yaml").graph().key()
