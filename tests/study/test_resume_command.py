"""The command that a report shows: whole, and without folders of the machine."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from study import tiny

from blockspace.records import EventLog, RunDir, StudyRefused, StudyStarted, read_command
from blockspace.study import load_study
from blockspace.study.resume_command import write_search_command


def test_file_overrides_and_reuse():
    overrides, runs = ["search.trials=40", "data={name: digits, size: 8}"], ["runs/first", Path("runs/b")]
    text = write_search_command("my studies/a.yaml", overrides, {}, runs)
    assert shlex.split(text) == [
        "blockspace", "search", "my studies/a.yaml", "search.trials=40", "data={name: digits, size: 8}", "--reuse", "runs/first",
        "--reuse", "runs/b",
    ]  # fmt: skip


def test_absolute_paths_are_shortened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = write_search_command(tmp_path / "a.yaml", ["data=/home/ada/images", f"out={tmp_path}/runs/x"], {}, ["/home/ada/runs/b"])
    assert text == "blockspace search a.yaml data=images out=runs/x --reuse b"
    text = write_search_command("a.yaml", [], {"data": {"folder": "/home/ada/images", "size": 8}}, [])
    assert "/home" not in text and "images" in text


SETTINGS = [
    {"trials": 7, "seed": 3, "workers": "auto"},
    {"train": {"epochs": 3, "augment": ["crop", {"flip": {"p": 0.25}}], "optimizer": {"adamw": {"lr": 1e-3}}}},
    {"data": {"name": "digits", "size": 8}, "timeout": None, "objectives": [{"minimize": "macs"}]},
    {"budget": {"macs": {"low": "80%", "high": 60_000_000}}, "per_choice": {"block": "equal"}},
    {"doc": "no: a, 'b' = \"c\"", "out": Path("runs/ä b")},
    {"doc": "true"},
    {"trials": "7"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_keyword_arguments_are_written_as_overrides_that_set_the_same(settings, tmp_path):
    path = tiny.write(tmp_path)
    *_, study = shlex.split(write_search_command("s.yaml", [], {}, []))
    words = shlex.split(write_search_command(path, [], settings, []))[3:]
    assert study == "s.yaml" and load_study(path, words).options == load_study(path, keywords=settings).options


def test_the_last_command_that_was_not_refused_counts(tmp_path):
    log = EventLog(RunDir(tmp_path))

    def started(command):
        return StudyStarted("tiny", 6, {"val_acc": "maximize"}, command=command)

    assert read_command(RunDir(tmp_path)) == ""
    for event in (started("one"), started("two"), started("three"), StudyRefused("locked")):
        log(event)
    assert read_command(RunDir(tmp_path)) == "two"
