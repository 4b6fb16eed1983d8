"""A whole study with tuning and random networks: what is trained with what, and that a resume and a report agree."""

from __future__ import annotations

import json
import shutil

import pytest
from study import tiny

import blockspace as bs
from blockspace.records import RunDir
from blockspace.study import read_facts, read_run

pytestmark = pytest.mark.slow
SETTINGS = {
    "tune": {"grid": {"optimizer.sgd.lr": [0.001, 0.1]}, "per": "family"},
    "finalists": {"take": 1, "per": "block", "seeds": 2, "random": 3},
    "search": {"trials": 6, "workers": 2, "per_choice": {"block": "equal"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baselines")
    told = []
    outcome = bs.search(tiny.write(folder), out=folder / "run", on_event=told.append, **SETTINGS)
    return folder, outcome, [event.kind for event in told]


def lr_of(place) -> float:
    return read_facts(place.path).recipe["optimizer"]["sgd"]["lr"]


def test_each_familys_networks_are_trained_with_its_own_recipe(whole):
    folder, outcome, kinds = whole
    run, tuned = RunDir(folder / "run"), outcome.resolved.tuned
    assert kinds.count("tried") == 6 and kinds.count("tuned") == 1 and kinds.index("tuned") < kinds.index("opened")
    best = {family: tuned.recipe_of(family).optimizer.lr for family in ("hs", "resnext", "mine")}
    kept = json.loads(run.tuning_json.read_text())
    for family in tuned.scores:
        scores = [json.loads((run.tuned(family, n, 0).result).read_text())["result"]["metrics"]["val_acc"] for n in (0, 1)]
        assert tuple(scores) == tuned.scores[family] and best[family] == (0.1 if scores[1] > scores[0] else 0.001)
        assert kept["chosen"][family] == (0.001, 0.1).index(best[family])
    for row in outcome.rows:
        if row.state == "trained":
            assert lr_of(run.trial(row.number)) == best[row.families["block"]]
    for name, family in [(one.name, one.family) for one in outcome.answer.rows if one.family in best]:
        assert lr_of(run.finalist(name, 0)) == best[family]
    assert lr_of(run.finalist("baseline", 0)) == best["resnext"]
    assert "lr: 0.1\n" in run.study_yaml.read_text(), "the study stays as it was asked"


def test_random_networks_are_trained_beside_the_finalists_and_not_exported(whole):
    folder, outcome, _ = whole
    names = [row.name for row in outcome.answer.rows if ".random-" in row.name]
    assert len(names) == 9 and outcome.exit_code == 0
    assert len(list(RunDir(folder / "run").finalists.glob("*.random-*/seed-*/scores.npz"))) == 18
    assert not [place for place in outcome.exported if ".random-" in place.name]


def test_the_same_call_again_trains_nothing(whole):
    folder, outcome, _ = whole
    told = []
    again = bs.search(folder / "study.yaml", out=folder / "run", on_event=told.append, **SETTINGS)
    kinds = [event.kind for event in told]
    assert "started" not in kinds and again.text() == outcome.text() and again.resolved.tuned == outcome.resolved.tuned


def test_a_report_reads_the_same_from_the_folder_alone(whole, tmp_path):
    folder, outcome, _ = whole
    shutil.copytree(folder / "run", tmp_path / "copy")
    RunDir(tmp_path / "copy").answer_json.unlink()
    found = read_run(tmp_path / "copy")
    assert found.answer.sentences() == outcome.answer.sentences() and {row.name for row in found.answer.rows} == {
        row.name for row in outcome.answer.rows
    }
    assert [one.role for one in found.finals].count("random") == 9
    assert found.facts["recipe"].startswith("tuned for each family: hs: optimizer.sgd.lr")
    assert [draws.metric for draws in found.draws][-1] == "test_acc"


def test_another_tuning_is_refused_and_more_random_networks_are_added(whole, tmp_path, monkeypatch):
    folder, outcome, _ = whole
    shutil.copytree(folder / "run", tmp_path / "copy")
    for name in ("plain_pair.yaml", "space.yaml", "study.yaml"):
        shutil.copy(folder / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bs.BlockspaceError, match="tune: .* -> .absent."):
        bs.search("study.yaml", ["out=copy"], search=SETTINGS["search"])
    told = []
    fewer = {**SETTINGS, "finalists": {**SETTINGS["finalists"], "random": 1}}
    outcome = bs.search(tmp_path / "study.yaml", out=tmp_path / "copy", on_event=told.append, **fewer)
    assert len([row for row in outcome.answer.rows if ".random-" in row.name]) == 3 and "started" not in [event.kind for event in told]
