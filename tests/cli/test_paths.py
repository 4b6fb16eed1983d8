"""Paths of commands: `~`, spaces, `#` and letters of any language, wherever a path is taken."""

from __future__ import annotations

import json

import pytest
from study import tiny

from blockspace import load
from blockspace.cli import main
from blockspace.cli.complete import list_yaml_files
from blockspace.graph import to_node_link
from blockspace.study import load_study, preflight_target
from blockspace.study.train_config import resolve_training

BLOCK = "format: blockspace/block/1\nblock: mine\nflow: [conv3x3: same]\n"
RULES = "from blockspace.passes import RULES\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with files in `ü #1`, and a working directory beside it that stays empty."""
    place, here = tmp_path / "home" / "ü #1", tmp_path / "here"
    place.mkdir(parents=True)
    here.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(here)
    (place / "b.yaml").write_text(BLOCK)
    (place / "g.json").write_text(json.dumps(to_node_link(load("se").graph((16, 8, 8)))))
    (place / "rules.py").write_text(RULES)
    tiny.write(place)
    yield place
    assert not list(here.iterdir()), "nothing was made in the working directory, least of all a folder called ~"


@pytest.mark.parametrize(
    "words, made",
    [
        ("show P/b.yaml", None),
        ("show P/g.json", None),
        ("show se --svg P/a.svg", "a.svg"),
        ("show se --png P/a.png", "a.png"),
        ("check P/b.yaml P/study.yaml P/space.yaml P/g.json", None),
        ("compare P/b.yaml P/g.json", None),
        ("compare se eca --svg P/c.svg", "c.svg"),
        ("cp P/b.yaml P/copy.yaml", "copy.yaml"),
        ("search P/study.yaml --dry-run out=P/run", None),
        ("search P/study.yaml --dry-run space=P/space.yaml", None),
        ("doctor out=P/runs --json", None),
    ],
)
def test_a_home_is_expanded(words, made, home, capsys):
    assert main([word.replace("P", "~/ü #1") for word in words.split()]) in (0, 2 if "doctor" in words else 0), capsys.readouterr().err
    assert made is None or (home / made).is_file()


def test_settings_keep_what_was_written_and_lead_home(home):
    study = load_study("~/ü #1/study.yaml", ["out=~/ü #1/run", "space=~/ü #1/space.yaml"])
    assert study.options.out == "~/ü #1/run" and study.folder == home / "run" and load(study.space_path).name == "tiny"
    (home / "recipe.yaml").write_text("epochs: 3\n")
    (home / "w.safetensors").write_bytes(b"")
    asked = resolve_training("resnet20", ["out=~/ü #1/run", "weights=~/ü #1/w.safetensors"], "~/ü #1/recipe.yaml")
    assert asked.folder == home / "run" and asked.start == home / "w.safetensors" and asked.options.train.epochs == 3


@pytest.mark.parametrize("words", ["data=~/images", "data={folder: ~/images}", "data.folder=~/images"])
def test_data_below_home(words, home, capsys):
    assert main(["train", "resnet20", words]) == 2
    assert f"{home.parent / 'images'}" in capsys.readouterr().err, "the folder that was looked for"


def test_blocks_of_a_network_below_home(home):
    space = tiny.SPACE.replace("./plain_pair.yaml", "'~/ü #1/plain_pair.yaml'")
    (home.parent / "space.yaml").write_text(space)
    assert load("~/space.yaml").name == "tiny"


@pytest.mark.parametrize("argv", [["show", "file:///x/a.yaml"], ["search", "https://host/s.yaml"], ["search", "s.yaml", "out=file:/x"]])
def test_urls_are_refused_in_one_line(argv, home, capsys, tmp_path):
    (home.parent / "s.yaml").write_text((home / "study.yaml").read_text())
    argv = [word.replace("s.yaml", "~/s.yaml") if word == "s.yaml" else word for word in argv]
    assert main(argv) == 2 and "is a URL" in capsys.readouterr().err


def test_completions_keep_the_tilde(home):
    assert "~/ü #1/" in list_yaml_files("~/ü") and "~/ü #1/b.yaml" in list_yaml_files("~/ü #1/")


def test_a_folder_where_data_is_wanted(home):
    with pytest.raises(Exception, match="images") as caught:
        preflight_target("~/images")
    assert "Traceback" not in str(caught.value)
