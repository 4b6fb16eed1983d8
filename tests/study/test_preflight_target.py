"""A look at data alone: by study, by name, by folder; and what the command prints."""

from __future__ import annotations

import json

import pytest
from data import tiny_sets
from study import tiny

from blockspace.cli import main
from blockspace.errors import BlockspaceError
from blockspace.study import load_study, preflight_target


def test_by_study_by_name_and_by_folder(tmp_path):
    path = str(tiny.write(tmp_path))
    assert preflight_target(path).counts == {"train": 200, "val": 100, "test": 300}
    assert preflight_target(path, ["data.train=150", "data.size=8"]).input_shape == (1, 8, 8)
    assert preflight_target("digits", ["data.train=50"]).counts["train"] == 50
    for name in ("ant", "bee"):
        for i in range(10):
            tiny_sets.picture(tmp_path / "insects" / name / f"{i}.png")
    assert preflight_target(str(tmp_path / "insects"), ["data.size=8"]).input_shape == (3, 8, 8)


def test_an_override_of_one_setting_keeps_the_name(tmp_path):
    path = tiny.write(tmp_path)
    path.write_text(path.read_text().replace("{name: digits, train: 200, val: 100, test: 300}", "digits"))
    data = load_study(path, ["data.size=8"]).data
    assert (data.name, data.size) == ("digits", 8)
    with pytest.raises(BlockspaceError, match="unknown key 'sise'"):
        _ = load_study(path, ["data.sise=8"]).data


def test_the_command(tmp_path, capsys):
    assert main(["doctor", "--data", "digits"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "ok    data: digits: 500 train, 400 val, 897 test; 10 classes, 1x16x16" and len(out) == 12
    assert main(["doctor", "--data", "digits", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["test"] == 897
    assert main(["doctor", "--data", "digit"]) == 2
    assert "did you mean 'digits'?" in capsys.readouterr().err
