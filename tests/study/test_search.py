"""A whole study, from its file to exported folders, and again."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file
from study import tiny

import blockspace as bs
from blockspace.cli import main
from blockspace.data import kept_preflight, preflight, read_spec
from blockspace.executors import adopt_result
from blockspace.files import WEIGHTS
from blockspace.graph import load_node_link
from blockspace.study import export, load_study, read_run, resolve_study
from blockspace.study.run_search import check_same_data


def table(folder):
    with open(folder / "run" / "results.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_equal_numbers_of_trained_trials_per_family(done):
    folder, _, _ = done
    trained = [row for row in table(folder) if row["state"] == "trained"]
    assert Counter(row["family"] for row in trained) == {"hs": 2, "resnext": 2, "mine": 2}
    assert len({row["key"] for row in trained}) == 6


def test_trained_trials_are_within_the_budget(done):
    folder, outcome, _ = done
    base = outcome.resolved.baseline.costs["macs"]
    assert all(0.8 * base <= int(row["macs"]) <= 1.2 * base for row in table(folder) if row["state"] == "trained")


def test_the_answer_names_each_family_and_the_baseline(done):
    _, outcome, _ = done
    assert [row.family for row in outcome.answer.rows] == ["hs", "resnext", "mine", "baseline"]
    assert outcome.answer.images == 300
    assert outcome.text().count("points of accuracy") == 6


def test_the_front_is_not_dominated(done):
    _, outcome, _ = done
    best = max(row.values["val_acc"] for row in outcome.rows if row.is_feasible)
    assert outcome.front and all(found.row.values["val_acc"] == best for found in outcome.front)


def test_a_network_of_the_front_is_exported(done, tmp_path):
    _, outcome, _ = done
    found = outcome.front[0]
    bs.export(found, tmp_path / "out", formats=["py", "safetensors"])
    assert bs.load(str(tmp_path / "out" / "arch.yaml")).graph().key() == found.row.key


def test_a_network_in_memory_is_exported_and_a_block_is_not(tmp_path):
    made = bs.export(bs.load("resnet20", n=1), tmp_path / "out", formats=["py"])
    assert bs.load(str(made.folder / "arch.yaml")).graph().key() == bs.load("resnet20", n=1).graph().key()
    with pytest.raises(bs.BlockspaceError, match="se is a block; export takes a network"):
        bs.export(bs.load("se"), tmp_path / "other")


def test_a_graph_is_exported_with_a_modules_weights_or_a_checkpoint(tmp_path):
    graph = bs.load("resnet_basic").graph((8, 8, 8))
    module = bs.compile(graph, seed=3).eval()
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    x = torch.randn(2, 8, 8, 8)
    for number, (target, weights) in enumerate([(graph, module), (graph.nx, tmp_path / "weights.safetensors")]):
        made = bs.export(target, tmp_path / str(number), formats=["py", "safetensors"], weights=weights)
        assert {path.name for path in made.folder.iterdir()} == {"card.md", "graph.json", "model.py", "weights.safetensors"}
        again = load_node_link(made.folder / "graph.json")
        assert again.key() == graph.key()
        read = bs.compile(again).eval()
        read.load_state_dict(load_file(made.folder / "weights.safetensors"))
        assert torch.allclose(read(x), module(x), atol=1e-6)
    with pytest.raises(bs.BlockspaceError) as caught:
        bs.export(bs.load("resnet_basic").graph((16, 8, 8)), tmp_path / "other", weights=tmp_path / "weights.safetensors")
    assert caught.value.mistakes[0].code == "E-WEIGHTS"


def test_exported_networks_are_the_trained_ones(done):
    folder, outcome, _ = done
    assert len(outcome.exported) == 3
    for place in outcome.exported:
        files = {path.name for path in place.iterdir()}
        assert files == {"arch.yaml", "card.md", "facts.json", "model.onnx", "model.py", "weights.safetensors"}
        key = bs.load(str(place / "arch.yaml")).graph().key()
        assert key in {row["key"] for row in table(folder)}
        first = load_file(str(folder / "run" / "finalists" / place.name / "seed-0" / "weights.safetensors"))
        assert all(torch.equal(first[name], tensor) for name, tensor in load_file(str(place / "weights.safetensors")).items())


def test_the_exported_file_runs_without_blockspace(done):
    """In a process where blockspace cannot be imported, the file with its weights equals onnxruntime on the ONNX file."""
    _, outcome, _ = done
    place = outcome.exported[0]
    code = f"""
import sys; sys.modules["blockspace"] = None
import importlib.util, numpy, onnxruntime, torch
from safetensors.torch import load_file
spec = importlib.util.spec_from_file_location("model", r"{place / "model.py"}")
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
network = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == "model"][-1]().eval()
network.load_state_dict(load_file(r"{place / "weights.safetensors"}"))
x = torch.randn(5, 1, 16, 16)
ours = network(x).detach().numpy()
session = onnxruntime.InferenceSession(r"{place / "model.onnx"}")
theirs = session.run(None, {{session.get_inputs()[0].name: x.numpy()}})[0]
print(float(numpy.abs(ours - theirs).max()))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) <= 1e-4


def test_the_same_call_again_trains_nothing_and_answers_the_same(done, tmp_path):
    folder, outcome, events = done
    again: list[str] = []
    run = shutil.copytree(folder / "run", tmp_path / "run")  # the finished run itself stays as it is
    repeated = bs.search(folder / "study.yaml", [f"out={run}"], on_event=lambda event: again.append(event.kind))
    assert events.count("started") == 6 + 8
    assert again.count("started") == 0 and again.count("adopted") == 8
    assert repeated.text() == outcome.text()


def test_the_test_split_is_scored_once_for_each_training(done):
    folder, outcome, _ = done
    files = list((folder / "run" / "finalists").glob("*/*/scores.npz"))
    assert len(files) == 8
    with numpy.load(files[0]) as scores:
        assert scores["correct"].shape == scores["log_loss"].shape == (300,)


def test_the_log_has_every_event(done):
    folder, _, _ = done
    kinds = Counter(line.split()[1] for line in (folder / "run" / "log.txt").read_text().splitlines())
    assert kinds["started"] >= 14 and kinds["finals"] >= 1


def test_data_that_overrules_the_network_is_said(tmp_path):
    path = tiny.write(tmp_path)
    assert resolve_study(path).notes == ()
    assert resolve_study(path, ["data={name: digits, size: 8}"]).notes == ("input: 1x8x8, as the data is; tiny says 1x16x16",)


def test_a_trial_is_exported_by_its_number(done, tmp_path):
    folder, outcome, _ = done
    row = next(row for row in outcome.rows if row.state == "trained")
    written = export(f"{folder / 'run'}#{row.number}", tmp_path / "out", formats=("py", "safetensors"))
    assert written.differences["py"] <= 1e-4
    assert bs.load(str(tmp_path / "out" / "arch.yaml")).graph().key() == row.key
    with pytest.raises(bs.BlockspaceError, match="no network '77'"):
        export(f"{folder / 'run'}#77", tmp_path / "other")


def test_the_runs_study_is_a_study_that_can_be_copied(done, tmp_path):
    folder, _, _ = done
    kept = load_study(folder / "run" / "study.yaml")
    assert kept.options.space == "space/space.yaml"
    assert resolve_study(folder / "run" / "study.yaml").digest() == resolve_study(folder / "study.yaml").digest()
    assert main(["cp", str(folder / "run" / "study.yaml"), str(tmp_path / "mine.yaml")]) == 0
    copy = load_study(tmp_path / "mine.yaml")
    assert copy.name == "mine" and str(copy.folder) == "runs/mine"
    assert resolve_study(tmp_path / "mine.yaml").baseline.key == resolve_study(folder / "study.yaml").baseline.key


def test_a_changed_study_is_refused(done):
    folder, _, _ = done
    before = (folder / "run" / "study.yaml").read_text()
    with pytest.raises(bs.BlockspaceError, match="train.epochs: 1 -> 2"):
        bs.search(folder / "study.yaml", [f"out={folder / 'run'}", "train.epochs=2"])
    assert (folder / "run" / "study.yaml").read_text() == before


@pytest.fixture
def again(done, tmp_path):
    """A copy of the finished run, searched again with changes: the outcome, and how often each event came."""
    folder, outcome, _ = done
    for name in ("plain_pair.yaml", "space.yaml", "study.yaml"):
        shutil.copy(folder / name, tmp_path)
    shutil.copytree(folder / "run", tmp_path / "run")

    def search(*changes: str):
        said: list[str] = []
        found = bs.search(tmp_path / "study.yaml", [f"out={tmp_path / 'run'}", *changes], on_event=lambda event: said.append(event.kind))
        assert [row.key for row in found.rows] == [row.key for row in outcome.rows], "the search stands"
        return found, Counter(said)

    return search


@pytest.mark.slow
def test_more_seeds_of_the_finalists_are_trained_beside_those_there_are(again, tmp_path):
    found, kinds = again("finalists.seeds=3")
    assert (kinds["started"], kinds["adopted"]) == (4, 8) and {row.seeds for row in found.answer.rows} == {3}
    cards = [path.read_text() for path in (tmp_path / "run" / "best").glob("*/card.md")]
    assert len(cards) == 3 and all("over 3 seeds" in card for card in cards)
    with pytest.raises(bs.BlockspaceError, match="train.epochs: 1 -> 2"):
        again("train.epochs=2", "finalists.seeds=1")


@pytest.mark.slow
def test_the_finals_are_run_anew_where_they_differ(again, tmp_path):
    _, kinds = again("finalists.seeds=1", "finalists.epochs=2")
    assert (kinds["started"], kinds["adopted"]) == (4, 0)
    for best in (tmp_path / "run" / "best").iterdir():
        assert "2 epochs" in (best / "card.md").read_text()
        theirs, ours = (load_file(str(place / WEIGHTS)) for place in (best, tmp_path / "run" / "finalists" / best.name / "seed-0"))
        assert all(torch.equal(theirs[key], ours[key]) for key in ours), "the export is of the new weights"
    found, kinds = again("finalists={take: 2, per: stage1.repeat, seeds: 1}", "compare=null")
    assert {row.family for row in found.answer.rows} - {"baseline"} <= {"repeat 1", "repeat 2", "repeat 3"}
    assert kinds["started"] > 0, "those of two epochs are trained for one again, and others are finalists"
    shown = read_run(tmp_path / "run")
    assert [row.name for row in shown.answer.rows] == [row.name for row in found.answer.rows]
    assert {trial.family for trial in shown.trials if trial.state == "trained"} <= {"repeat 1", "repeat 2", "repeat 3"}


def test_trials_that_do_not_divide_among_the_families_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(bs.BlockspaceError, match="7 trials do not divide equally among the 3 choices"):
        bs.search(tiny.write(tmp_path), [f"out={tmp_path / 'run'}"], trials=7)
    assert not (tmp_path / "run").exists()


def test_the_look_at_the_data_is_kept_and_said(done):
    folder, outcome, _ = done
    look = kept_preflight(folder / "run")
    assert look.counts == {"train": 200, "val": 100, "test": 300} and look.classes == tuple("0123456789")
    assert "data: digits: 200 train, 100 val, 300 test" in (folder / "run" / "log.txt").read_text()
    assert "classes: 0, 1, 2, 3" in (outcome.exported[0] / "card.md").read_text()


OWN = """
from sklearn.datasets import load_digits

def make():
    found = load_digits()
    return (found.images[:400] * 15).astype("uint8"), found.target[:400]
"""


def test_data_that_is_missing_or_was_changed_stops_a_study_before_its_first_trial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tiny.write(tmp_path)
    with pytest.raises(bs.BlockspaceError, match="no module 'digits_of_mine'"):
        bs.search(path, ["data={python: digits_of_mine:make}", "out=run"])
    (tmp_path / "digits_of_mine.py").write_text(OWN)
    with pytest.raises(bs.BlockspaceError, match="data folder 'gone' does not exist"):
        bs.search(path, ["data={folder: gone}", "out=run"])
    assert not (tmp_path / "run").exists()
    look = preflight({"python": "digits_of_mine:make", "size": 16})
    assert look.counts["train"] == 280
    with pytest.raises(bs.BlockspaceError, match="has changed since this study was started"):
        check_same_data(write_other(tmp_path, look), look, read_spec({"python": "digits_of_mine:make", "size": 16}))


def write_other(folder, look):
    replace(look, digest="other").write(folder)
    return folder


def test_a_trial_trained_again_by_itself_is_that_trial(done, tmp_path):
    folder, outcome, _ = done
    row = next(row for row in outcome.rows if row.state == "trained")
    options = outcome.study.options
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        texts = [f"seed={row.seed}", f"out={tmp_path / 'run'}"]
        again = bs.train(f"{folder / 'run'}#{row.number}", texts, data=options.data, train=options.train.as_dict())
    finally:
        torch.set_num_threads(threads)
    first = adopt_result(folder / "run" / "trials" / f"{row.number:04d}", row.key, row.seed)
    assert again.result.metrics["val_loss"] == first.metrics["val_loss"] and again.result.metrics["val_acc"] == first.metrics["val_acc"]
