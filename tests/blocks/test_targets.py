"""What a text means where a network is taken: the same everywhere."""

from __future__ import annotations

import pytest

import blockspace as bs
from blockspace.blocks import find_target
from blockspace.cli import main
from blockspace.records import RunDir

NET = """
format: blockspace/network/1
network: n
params: {classes: 10, width: 4}
input: [1, 8, 8]
stem: [conv3x3: width]
head: [global_avgpool, linear: classes]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run directory with a trial and a finalist, an exported folder, and a folder with the name of a library network."""
    monkeypatch.chdir(tmp_path)
    run = RunDir(tmp_path / "run")
    for place in (run.trial(3).path, run.finalist("hs-s4", 0).path, tmp_path / "export", tmp_path / "resnet20"):
        place.mkdir(parents=True)
        (place / "arch.yaml").write_text(NET)
    run.study_yaml.write_text("study: s\n")
    return run


@pytest.mark.parametrize(
    "text", ["run#3", "run#0003", "run#hs-s4", "export", "export/", "./resnet20", "export/arch.yaml", "run/trials/0003"]
)
def test_found_networks(run, text, capsys):
    assert find_target(text).path.endswith("arch.yaml") and bs.load(text).name == "n"
    for argv in (["show", text], ["check", text], ["compare", text, text], ["cp", text, "copy.yaml", "--force"]):
        assert main(argv) == 0, capsys.readouterr().err
    assert "n" in capsys.readouterr().out


def test_a_name_of_the_library_comes_before_a_folder(run):
    assert find_target("resnet20").folder is None and bs.load("resnet20").name == "resnet20"


def test_a_found_network_knows_its_folder_unless_it_was_changed(run):
    assert bs.load("run#3").folder.path.absolute() == run.trial(3).path and bs.load("run#3", width=8).folder is None
    assert bs.load("resnet20").folder is None and bs.load("resnet20").trained is None
    assert find_target("run#3").weights is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run#4", "no network '4' in"),
        ("run#", "no network '' in"),
        ("run#..", r"no network '\.\.' in"),
        ("run#../../export", "no network '../../export' in"),
        ("run#²", "no network '²' in"),
        ("run#" + "9" * 5000, "no network '9"),
        ("gone#3", "no run directory 'gone'"),
        ("run", "'run' is the run directory of a study"),
        ("run/trials", "'run/trials' is a folder; a file is wanted"),
        ("gone/x.yaml", "no file 'gone/x.yaml'"),
        ("resnet2", "no block or network called 'resnet2'"),
    ],
)
def test_one_line_for_all_else(run, text, message, capsys):
    for call in (bs.load, bs.load_pretrained, lambda text: bs.export(text, "out"), lambda text: bs.train(text, out="out")):
        with pytest.raises(bs.BlockspaceError, match=message) as caught:
            call(text)
        assert len(caught.value.mistakes) == 1 and caught.value.mistakes[0].help
    for command in ("show", "check"):
        assert main([command, text]) == 2 and "Traceback" not in capsys.readouterr().err


def test_the_path_of_a_shipped_file_names_it_where_there_is_no_such_file(tmp_path, monkeypatch):
    """As the documentation writes it, in the folder of the repository."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bs.BlockspaceError, match="no file 'searchspaces/hs_vs_resnext.yaml'") as caught:
        bs.load("searchspaces/hs_vs_resnext.yaml")
    assert caught.value.mistakes[0].help == "write hs_vs_resnext, a name of the library" and bs.load("hs_vs_resnext")
