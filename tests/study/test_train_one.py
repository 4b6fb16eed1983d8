"""One network trained by itself: its run directory, resuming, fine-tuning, scoring alone, export, and what is refused."""

from __future__ import annotations

import json
import runpy

import pytest
import torch
from safetensors.torch import load_file, save_file

import blockspace as bs
from blockspace.executors import adopt_result
from blockspace.searching import Interrupted
from blockspace.study import evaluate, train
from blockspace.study.train_config import resolve_training

NET = """
format: blockspace/network/1
network: small
params: {classes: 10, width: 8}
input: [1, 28, 28]
stem: [conv3x3: {out: width, stride: 2}]
stages: [conv3x3: {out: 16, stride: 2}]
head: [global_avgpool, linear: classes]
"""
DATA = "data={name: digits, train: 120, val: 40, test: 60}"
ONE = [DATA, "train.epochs=1", "train.batch=40"]
FILES = {
    "arch.yaml", "log.txt", "metrics.csv", "model.py", "preflight.json", "result.json", "scores.npz", "study.lock", "training.yaml",
    "events.jsonl",
    "weights.safetensors", "environment.json", "test_use.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "small.yaml"
    path.write_text(NET)
    return str(path)


@pytest.fixture(scope="module")
def done(net, tmp_path_factory):
    """A finished training of two epochs, exported, and its events."""
    folder = tmp_path_factory.mktemp("done") / "run"
    events = []
    texts = [DATA, "train.epochs=2", "train.batch=40", "width=6", f"out={folder}"]
    return train(net, texts, to=["py", "safetensors"], on_event=events.append), events, texts


def test_the_run_directory_holds_everything(done):
    found, events, _ = done
    assert {path.name for path in found.folder.iterdir()} == FILES | {"export"}
    assert [event.kind for event in events] == ["training", "epoch", "epoch"] and events[2].epochs == 2
    assert events[0].notes == ("input: 1x16x16, as the data is; small says 1x28x28",)
    assert set(found.result.metrics) == {"val_acc", "val_loss", "test_acc", "test_loss"} and found.images == 60
    assert bs.load(str(found.folder / "arch.yaml")).graph().key() == found.result.key
    assert len((found.folder / "metrics.csv").read_text().splitlines()) == 3
    assert "epoch=2" in (found.folder / "log.txt").read_text()


def test_the_same_call_again_trains_nothing(net, done):
    found, _, texts = done
    events = []
    again = train(net, texts, on_event=lambda event: events.append(event.kind))
    assert events == ["found"] and again.result == found.result and again.text() == found.text()


def test_the_export_is_the_trained_network_and_its_card_names_the_classes(done):
    found, _, _ = done
    card = (found.exported / "card.md").read_text()
    assert "- classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n" in card and f"accuracy {found.result.metrics['test_acc']:.4f}" in card
    ours, theirs = (load_file(str(place / "weights.safetensors")) for place in (found.folder, found.exported))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_file_in_the_run_directory_is_the_same_network(done):
    found, _, _ = done
    space = runpy.run_path(str(found.folder / "model.py"), run_name="written")
    model = [value for value in space.values() if isinstance(value, type) and value.__module__ == "written"][-1]()
    model.load_state_dict(load_file(str(found.folder / "weights.safetensors")))


def test_given_weights_are_scored_and_nothing_is_written(done, net):
    found, _, _ = done
    before = sorted(path.name for path in found.folder.iterdir())
    scores = evaluate(str(found.folder), [DATA])
    assert scores["test_acc"] == found.result.metrics["test_acc"] and scores["images"] == 60
    assert scores["test_loss"] == pytest.approx(found.result.metrics["test_loss"], rel=1e-5)
    same = evaluate(net, [DATA, "width=6", f"weights={found.folder}"])
    assert same["test_loss"] == scores["test_loss"]
    assert sorted(path.name for path in found.folder.iterdir()) == before
    with pytest.raises(bs.BlockspaceError, match="has no weights"):
        evaluate(net, [DATA])


def test_a_stopped_training_goes_on_where_it_was(net, tmp_path):
    texts = [DATA, "train.epochs=3", "train.batch=40"]
    whole = train(net, [*texts, f"out={tmp_path / 'whole'}"])
    seen = []
    with pytest.raises(Interrupted):
        listen = lambda event: seen.append(event.kind)  # noqa: E731
        train(net, [*texts, f"out={tmp_path / 'parts'}"], on_event=listen, stop=lambda: seen.count("epoch") >= 1)
    assert seen.count("epoch") == 1 and not (tmp_path / "parts" / "result.json").exists()
    parts = train(net, [*texts, f"out={tmp_path / 'parts'}"], on_event=lambda event: seen.append(event.kind))
    assert seen.count("epoch") == 3 and parts.result.metrics == whole.result.metrics
    first, second = (load_file(str(one.folder / "weights.safetensors")) for one in (whole, parts))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_keywords_and_a_recipe_file_say_the_same_as_texts(net, tmp_path, done):
    found, _, _ = done
    (tmp_path / "recipe.yaml").write_text("epochs: 7\nbatch: 40\n")
    data = {"name": "digits", "train": 120, "val": 40, "test": 60}
    same = train(net, ["train.epochs=2"], recipe=tmp_path / "recipe.yaml", data=data, width=6, out=str(tmp_path / "run"))
    assert same.result.metrics == found.result.metrics and bs.train is not None


def test_a_network_of_a_run_is_trained_again(done, tmp_path):
    found, _, _ = done
    again = train(str(found.folder), [*ONE, f"out={tmp_path / 'again'}"])
    assert again.result.key == found.result.key and adopt_result(tmp_path / "again", again.result.key, 0) == again.result


def test_fine_tuning_replaces_a_last_layer_of_another_size(done, net, tmp_path):
    found, _, _ = done
    weights = load_file(str(found.folder / "weights.safetensors"))
    head = next(name for name in weights if name.startswith("head") and name.endswith("weight")).removesuffix(".weight")
    few = {**weights, f"{head}.weight": weights[f"{head}.weight"][:4].clone(), f"{head}.bias": weights[f"{head}.bias"][:4].clone()}
    save_file(few, str(tmp_path / "few.safetensors"))
    notes = []
    train(
        net, [*ONE, "width=6", f"weights={tmp_path / 'few.safetensors'}", f"out={tmp_path / 'run'}", "train.optimizer={sgd: {lr: 1e-9}}"],
        on_event=lambda event: notes.extend(getattr(event, "notes", [])),
    )  # fmt: skip
    assert notes[-1] == f"weights: {head} has 10 outputs here and 4 in {tmp_path / 'few.safetensors'}, so it is re-initialised"
    stem = next(name for name in weights if name.startswith("stem") and weights[name].ndim == 4)
    tuned = load_file(str(tmp_path / "run" / "weights.safetensors"))
    assert torch.allclose(tuned[stem], weights[stem], atol=1e-6), "the other layers began with the given weights"


@pytest.mark.parametrize(
    ("texts", "code", "message"),
    [
        (["width=5"], "E-WEIGHTS", "is 6x1x3x3, the network has 5x1x3x3"),
        (["weights=gone.safetensors"], "E-FILE", "no weights at 'gone.safetensors'"),
        (["weights=torn"], "E-FILE", "cannot read weights from torn"),
        (["train.epocs=3"], "E-KEY", "unknown key 'epocs'"),
        (["train.epochs=0"], "E-TYPE", "train.epochs"),
        (["seed=-1"], "E-TYPE", "seed"),
        (["input=1x8x8"], "E-KEY", "the input shape comes from the data"),
        (["widht=3"], "E-KEY", "small has no param 'widht'"),
        (["width"], "E-KEY", "'width' is not a setting"),
        (["data=nothing"], "E-DATA", "unknown data set 'nothing'"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(done, net, tmp_path, monkeypatch, texts, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torn").write_bytes(b"not tensors")
    first = [f"weights={done[0].folder}", "width=6"] if code == "E-WEIGHTS" else []
    with pytest.raises(bs.BlockspaceError, match=message) as caught:
        train(net, [*ONE, *first, f"out={tmp_path / 'run'}", *texts])
    assert caught.value.mistakes[0].code == code and caught.value.exit_code == 2
    assert not (tmp_path / "run" / "training.yaml").exists()


def test_a_network_with_other_outputs_and_a_block_are_refused(net, tmp_path):
    fixed = tmp_path / "fixed.yaml"
    fixed.write_text(NET.replace("classes: 10, ", "").replace("linear: classes", "linear: 7"))
    with pytest.raises(bs.BlockspaceError, match="gives 7, the data has 10 classes"):
        train(str(fixed), [*ONE, f"out={tmp_path / 'run'}"])
    with pytest.raises(bs.BlockspaceError, match="resnext is a block"):
        train("resnext", ONE)


def test_another_training_in_the_same_folder_is_refused(done, net):
    found, _, texts = done
    with pytest.raises(bs.BlockspaceError, match="contains another training: train.epochs: 2 -> 3") as caught:
        train(net, [*texts, "train.epochs=3"])
    assert "out=FOLDER" in caught.value.mistakes[0].help


def test_a_loss_that_is_not_finite_ends_it(net, tmp_path):
    wild = [*ONE, f"out={tmp_path / 'run'}", "train.optimizer={sgd: {lr: 1e9}}", "train.epochs=4"]
    with pytest.raises(bs.BlockspaceError, match="the loss was (nan|inf) at step") as caught:
        train(net, wild)
    assert caught.value.exit_code == 4 and not (tmp_path / "run" / "result.json").exists()
    assert train(net, [*ONE, f"out={tmp_path / 'run'}"]).result.trained, "the folder can be used again"


def test_the_record_is_plain_yaml(done):
    import yaml

    record = yaml.safe_load((done[0].folder / "training.yaml").read_text())
    assert record["train"]["epochs"] == 2 and record["data"]["train"] == 120 and json.dumps(record)


def test_a_found_network_brings_its_data(net, done):
    found, _, _ = done
    for target in (found.folder, found.folder / "export"):
        assert resolve_training(str(target)).data == resolve_training(net, [DATA]).data
        assert resolve_training(str(target), ["data.test=50"]).data.test == 50
        assert resolve_training(str(target), ["data=fake_data"]).data.name == "fake_data"


def test_training_starts_from_a_librarys_weights(tmp_path, monkeypatch):
    """A checkpoint with torchvision's names, and torchvision's own: the same start, its last layer anew for other classes."""
    import torchvision

    torch.manual_seed(0)
    model = torchvision.models.shufflenet_v2_x1_0()
    torch.save({"state_dict": model.state_dict()}, tmp_path / "theirs.pth")
    monkeypatch.setattr(torchvision.models.ShuffleNet_V2_X1_0_Weights, "get_state_dict", lambda *args, **options: model.state_dict())
    data = "data={name: digits, train: 32, val: 16, test: 16, channels: 3, size: 32}"
    still = [data, "train.epochs=1", "train.batch=32", "train.optimizer={sgd: {lr: 1e-9}}"]
    for source in (tmp_path / "theirs.pth", "torchvision"):
        notes, folder = [], tmp_path / f"run-{source == 'torchvision'}"
        train(
            "shufflenet_v2_x1_0", [*still, f"weights={source}", f"out={folder}"],
            on_event=lambda event, notes=notes: notes.extend(getattr(event, "notes", [])),
        )  # fmt: skip
        origin = "torchvision:shufflenet_v2_x1_0" if source == "torchvision" else source
        assert notes[-1] == f"weights: head.linear has 10 outputs here and 1000 in {origin}, so it is re-initialised"
        tuned = load_file(str(folder / "weights.safetensors"))
        assert torch.allclose(tuned["stem.conv3x3.conv.weight"], model.conv1[0].weight, atol=1e-6)
    with pytest.raises(bs.BlockspaceError, match="torchvision has no model called 'resnet20'"):
        train("resnet20", [*still, "weights=torchvision", f"out={tmp_path / 'none'}"])
