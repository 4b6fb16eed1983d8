"""A run directory is whole: a copy of it resumes and is reported where neither the study file nor its space is there any more."""

from __future__ import annotations

import json
import shutil

import pytest

import blockspace as bs
from blockspace.records import RunDir, read_environments
from blockspace.study import load_study, read_run


@pytest.fixture(scope="module")
def moved(done, tmp_path_factory):
    """A copy of the finished run without what leads back to its sources, resumed from its own study file."""
    folder = shutil.copytree(done[0] / "run", tmp_path_factory.mktemp("elsewhere") / "copy")
    RunDir(folder).local.unlink()
    events = []
    return folder, bs.search(folder / "study.yaml", [f"out={folder}"], on_event=events.append), events


def test_the_space_and_its_blocks_lie_inside_to_the_letter(done):
    folder = done[0]
    assert sorted(path.name for path in RunDir(folder / "run").space.iterdir()) == ["plain_pair.yaml", "space.yaml"]
    for path in RunDir(folder / "run").space.iterdir():
        assert path.read_text() == (folder / path.name).read_text()
    assert load_study(folder / "run" / "study.yaml").options.space == "space/space.yaml"


def test_a_copy_resumes_to_the_same_answer_without_its_sources(done, moved):
    _, outcome, events = moved
    assert outcome.text() == done[1].text() and [row.key for row in outcome.rows] == [row.key for row in done[1].rows]
    assert not [event for event in events if event.kind in ("started", "warning")]


def test_no_file_of_it_names_a_folder_of_this_machine(done):
    run = RunDir(done[0] / "run")
    for path in (run.environment, run.test_use, run.checklist, run.study_yaml, run.answer_json, *run.space.iterdir()):
        assert str(done[0]) not in path.read_text(), path.name


def test_what_it_took_is_in_the_answer_and_grows_with_each_start(done, moved):
    before, after = (json.loads(RunDir(folder).answer_json.read_text())["compute"] for folder in (done[0] / "run", moved[0]))
    assert before["starts"] == 1 and before["cpu"] > 1 and before["wall"] > 1 and before["epochs"] == 6 + 8
    counts = [(one["stage"], one["state"], one["count"]) for one in before["trainings"]]
    assert counts == [("search", "trained", 6), ("finals", "trained", 8)]
    assert after["starts"] == 2 and after["trainings"] == before["trainings"] and after["cpu"] >= before["cpu"]


def test_the_test_split_is_counted_once_however_often_the_study_starts(done, moved):
    uses = {read_run(folder).test_use for folder in (done[0] / "run", moved[0])}
    assert len(uses) == 1 and uses.pop().uses >= 1


def test_the_checklist_is_filled_in(done):
    text = RunDir(done[0] / "run").checklist.read_text()
    assert "- [x] 1b Code of the search space: space/space.yaml" in text
    assert "search.repeats=5`" in text and "finalists.random=3`" in text
    assert len(read_environments(RunDir(done[0] / "run"))) == 1
