"""Everything that a trial knows goes where its network goes: recipe, data, preprocessing, classes, results, where it was trained."""

from __future__ import annotations

import getpass
import json
import os
import platform
import shutil
from pathlib import Path

import onnx
import pytest
from safetensors import safe_open

import blockspace as bs
from blockspace.cli import main
from blockspace.records import RunDir, find_training_place
from blockspace.study import load_study, read_facts, write_report
from blockspace.study.train_config import resolve_training
from blockspace.study.worker_jobs import without_host


@pytest.fixture(scope="module")
def run(done):
    return RunDir(done[0] / "run")


@pytest.fixture(scope="module")
def trained(done):
    """A trained trial of the study."""
    return next(row for row in done[1].rows if row.state == "trained")


@pytest.fixture(scope="module")
def exported(run, trained, tmp_path_factory):
    """The trial exported by its number, in all formats that need no other package."""
    folder = tmp_path_factory.mktemp("exported") / "one"
    bs.export(f"{run}#{trained.number}", folder, formats=["py", "onnx", "safetensors"])
    return folder


def test_a_trial_is_described_by_its_run_directory(run, trained, done):
    facts = bs.load(f"{run}#{trained.number}").trained
    assert facts == read_facts(run.trial(trained.number)) and facts.source == f"run#{trained.number}" and facts.study == "tiny"
    assert facts.recipe == done[1].study.options.train.as_dict() and facts.seed == trained.seed and facts.key == trained.key
    assert facts.classes == tuple("0123456789") and facts.images == {"train": 200, "val": 100, "test": 300}
    assert facts.results == trained.metrics and facts.choices == trained.choices and facts.costs == trained.costs
    assert facts.input == (1, 16, 16) and len(facts.mean) == len(facts.std) == 1 and facts.data["name"] == "digits"


def test_a_finalist_has_the_means_of_its_seeds(run, done):
    row = done[1].answer.rows[0]
    facts = read_facts(run.finalist(row.name, 0))
    assert facts.seeds == row.seeds == 2 and facts.trained_on == "train and validation"
    assert facts.results["test_acc"] == pytest.approx(row.accuracy) and facts.results["test_loss"] == pytest.approx(row.log_loss)
    assert read_facts(run.exported(row.name)) == facts and "val_acc" in facts.results
    assert read_facts(run.finalist("baseline", 0)).results["test_acc"] > 0


def test_every_file_of_an_export_says_it(exported, run, trained):
    card, code = (exported / "card.md").read_text(), (exported / "model.py").read_text()
    for title, text in read_facts(run.trial(trained.number)).lines().items():
        assert f"- {title}: {text}" in card and f"{title}: {text}" in code.partition("import torch")[0]
    facts = read_facts(exported)
    about = {entry.key: entry.value for entry in onnx.load(exported / "model.onnx").metadata_props}
    assert json.loads(about["classes"]) == list(facts.classes) and json.loads(about["recipe"]) == facts.recipe
    with safe_open(exported / "weights.safetensors", "pt") as file:
        assert json.loads(file.metadata()["facts"]) == json.loads((exported / "facts.json").read_text()) == json.loads(about["facts"])


def test_an_export_of_an_export_is_the_same(exported, tmp_path):
    bs.export(exported, tmp_path / "two", formats=["py", "onnx", "safetensors"])
    bs.export(bs.load(str(exported)), tmp_path / "three", formats=["py", "safetensors"])
    names = {folder: {path.name for path in folder.iterdir()} for folder in (exported, tmp_path / "two", tmp_path / "three")}
    assert names[exported] == names[tmp_path / "two"] == names[tmp_path / "three"] | {"model.onnx"}
    for folder, found in names.items():
        assert not [name for name in found if name != "card.md" and (folder / name).read_bytes() != (exported / name).read_bytes()]
    assert (exported / "card.md").read_bytes() == (tmp_path / "two" / "card.md").read_bytes(), "a card names the files beside it"


def test_weights_that_are_named_bring_it_too(run, trained, exported, tmp_path):
    for i, weights in enumerate([f"{run}#{trained.number}", run.trial(trained.number).weights]):
        bs.export(run.trial(trained.number).arch, tmp_path / str(i), formats=["safetensors"], weights=weights)
        assert (tmp_path / str(i) / "facts.json").read_text() == (exported / "facts.json").read_text()


def test_a_found_network_brings_recipe_and_data(run, trained, exported, done):
    options = done[1].study.options
    for target in (f"{run}#{trained.number}", exported, run.trial(trained.number)):
        config = resolve_training(str(target))
        assert config.options.train == options.train and config.data == done[1].study.data
        assert config.notes[0] == f"recipe and data, where not given: as run#{trained.number}"
        config = resolve_training(str(target), ["train.epochs=7", "data.test=50"])
        assert config.options.train.epochs == 7 and config.options.train.batch == options.train.batch and config.data.test == 50
    finalist = done[1].answer.rows[0].name
    shorter = resolve_training(f"{run}#{finalist}", recipe=None, keywords={"train": {"batch": 8}})
    assert shorter.options.train == options.train.model_copy(update={"batch": 8})
    assert resolve_training("resnet20").options.train == resolve_training("resnet20", ["seed=1"]).options.train != options.train


def test_show_says_it_and_needs_no_torch(run, trained, capsys):
    assert main(["show", f"{run}#{trained.number}"]) == 0
    out = capsys.readouterr().out
    assert f"trained as: run#{trained.number}, study tiny" in out and "classes: 0, 1, 2" in out
    assert main(["show", f"{run}#{trained.number}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trained"]["results"] == trained.metrics


def test_a_run_directory_without_the_files_of_this_version(run, trained, tmp_path):
    """One of an earlier version, somewhere else: what it holds is enough."""
    copy = RunDir(tmp_path / "older")
    shutil.copytree(run, copy)
    for path in [copy.local, *copy.best.glob("*/facts.json")]:
        path.unlink()
    shutil.copy(Path(run).parent / "space.yaml", tmp_path)
    shutil.copy(Path(run).parent / "plain_pair.yaml", tmp_path)
    facts, before = read_facts(copy.trial(trained.number)), read_facts(run.trial(trained.number))
    assert facts == before.model_copy(update={"source": f"older#{trained.number}"})
    assert resolve_training(f"{copy}#{trained.number}").options.train == resolve_training(f"{run}#{trained.number}").options.train


def test_places_in_a_run_directory(run, tmp_path):
    assert find_training_place(run.trial(3).path).number == 3 and find_training_place(run.exported("hs")).finalist == "hs"
    assert find_training_place(run.finalist("hs", 2).path).finalist == "hs" and find_training_place(run.finalists) is None
    (tmp_path / "study.yaml").write_text("study: of the user's\n")
    (tmp_path / "mine").mkdir()
    assert find_training_place(tmp_path / "mine") is None and read_facts(tmp_path / "mine") is None


# -- nothing of this machine --------------------------------------------------------------------------------------------------------------


def test_nothing_that_is_passed_on_names_a_path_a_user_or_a_host(run, exported, done):
    write_report(run)
    files = [*exported.iterdir(), *run.best.glob("*/*"), *Path(run).glob("*/*/result.json"), *Path(run).glob("*/*/*/result.json")]
    files += [run.report, run.study_yaml, run.answer, run.answer_json, run.results]
    private = {str(Path(run).parent), str(Path.home()), str(Path(bs.__file__).parent), os.getcwd(), f"{platform.node()}:"}
    private |= {f"/{getpass.getuser()}/"}
    for path in filter(Path.is_file, files):  # an export that was imported has a cache of bytecode beside it
        content = path.read_bytes()
        assert not [name for name in private if name.encode() in content], path


def test_where_paths_lead_is_kept_in_the_run_directory_alone(run, done):
    kept = json.loads(run.local.read_text())
    assert kept["beside"] == str(Path(run).parent)
    assert {tuple(entry["key"]): entry["path"] for entry in kept["paths"]}["out",] == str(run)
    assert load_study(run.study_yaml).folder == Path(run), "a run's study goes on where it is"


def test_the_machine_of_earlier_results_is_not_named():
    assert without_host({"machine": "ada: Linux x86_64, 2 of 2 cores"}) == {"machine": "Linux x86_64, 2 of 2 cores"}
