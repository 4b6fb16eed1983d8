"""Paths of this machine: what a run directory shows of them, and how it finds them again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blockspace.reader import parse_yaml, to_plain
from blockspace.records import RunDir
from blockspace.study import local_paths
from blockspace.study.local_paths import hide_local_paths, relative_path, resolve_tree, write_local_paths


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "run").mkdir()
    return RunDir(tmp_path / "run")


def test_an_absolute_path_is_shown_by_its_name_and_found_again(run, tmp_path):
    settings = {"space": "tiny", "out": None, "data": {"folder": str(tmp_path / "images"), "options": {"root": "~", "n": 3}, "size": 8}}
    shown = hide_local_paths(settings)
    assert shown["data"] == {"folder": "images", "options": {"root": "~", "n": 3}, "size": 8} and str(tmp_path) not in json.dumps(shown)
    write_local_paths(run, settings, shown)
    tree = parse_yaml(json.dumps(shown))
    resolve_tree(tree, run)
    assert to_plain(tree)["data"]["folder"] == str(tmp_path / "images")
    (tmp_path / "images").rmdir()
    tree = parse_yaml(json.dumps(shown))
    resolve_tree(tree, run)
    assert to_plain(tree)["data"]["folder"] == "images", "what is gone is as it was written"


def test_a_relative_path_leads_there_from_elsewhere_too(run, tmp_path, monkeypatch):
    for data in ("images", {"folder": "images"}):
        write_local_paths(run, {"data": data}, {"data": data})
        monkeypatch.chdir("/")
        tree = parse_yaml(json.dumps({"data": data}))
        resolve_tree(tree, run)
        assert str(tmp_path / "images") in json.dumps(to_plain(tree))
        monkeypatch.chdir(tmp_path)


def test_a_setting_that_was_changed_since_is_left(run, tmp_path):
    write_local_paths(run, {"data": {"folder": "images"}}, {"data": {"folder": "images"}})
    tree = parse_yaml("data: {folder: others, python: images}")
    resolve_tree(tree, run)
    assert to_plain(tree)["data"] == {"folder": "others", "python": "images"}


def test_nothing_is_written_where_there_is_nothing_to_say(run):
    write_local_paths(run, {"data": "digits"}, {"data": "digits"})
    assert not run.local.exists()


BROKEN = '{"format": "blockspace/local/1", "paths": [3, {"key": []}, {"key": ["space"]}]}'


@pytest.mark.parametrize("text", ["", "[]", "{}", BROKEN, "[" * 100_000])
def test_a_damaged_file_is_passed_over(run, text):
    run.local.write_text(text)
    tree = parse_yaml("data: images")
    resolve_tree(tree, run)
    assert to_plain(tree) == {"data": "images"}


def test_a_space_is_named_from_the_run_directory_unless_that_names_a_user(tmp_path, monkeypatch):
    assert relative_path(str(tmp_path / "space.yaml"), tmp_path / "runs" / "a") == "../../space.yaml"
    assert relative_path("/home/ada/space.yaml", Path("/data/runs/a")) is None
    monkeypatch.setattr(local_paths, "private_names", lambda: {"ada"})
    assert relative_path(str(tmp_path / "ada" / "space.yaml"), tmp_path / "runs") is None
