"""Training: that it learns, repeats, resumes, stops, says nothing, and leaves nothing behind."""

import logging
import pickle
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from nets import small

from blockspace.data import Split, load
from blockspace.errors import BlockspaceError, StorageError
from blockspace.training import Batches, Checkpointing, Diverged, FitCallbacks, fit, predict, read_recipe, score

EVERY_EPOCH = Checkpointing(every_s=0)
QUICK = {"epochs": 4, "augment": ["crop", "flip"], "label_smoothing": 0.1, "accelerator": "cpu"}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def quick(**changes):
    return read_recipe(QUICK | changes)


def numbers(fitted):
    return [(e.epoch, e.train_loss, e.metrics, e.lr) for e in fitted.history]


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_digits_reach_90_percent_in_seconds(digits):
    train, test = digits.final_split()
    module = small(channels=24)
    fitted = fit(module, train, None, read_recipe({"epochs": 20, "augment": ["crop"], "accelerator": "cpu"}), seed=0)
    assert fitted.metrics == {} and fitted.steps == 20 * 14 and fitted.epochs == 20
    scores = score(module, test)
    assert scores.mean("acc") > 0.9 and scores.mean("loss") < 0.4
    assert scores.values["acc"].shape == scores.values["loss"].shape == (897,) and scores.values["acc"].dtype == bool


def test_the_same_seed_gives_the_same_training(digits):
    modules = [small(dropout=0.2) for _ in range(3)]
    first, second, other = (fit(m, *digits.search_split(), quick(), seed) for m, seed in zip(modules, (3, 3, 4)))
    assert numbers(first) == numbers(second) and same_weights(modules[0], modules[1])
    assert numbers(first) != numbers(other)
    assert first.metrics == first.history[-1].metrics and first.metrics["val_acc"] == score(modules[0], digits.val).mean("acc")
    assert first.metrics["val_loss"] == pytest.approx(score(modules[0], digits.val).mean("loss"), abs=1e-5)


def test_what_surrounds_a_training_is_as_it_was(digits):
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    level, filters = logging.getLogger("lightning.pytorch").level, list(warnings.filters)
    module = small()
    fit(module, *digits.search_split(), quick(epochs=1), seed=0)
    assert torch.equal(torch.rand(1), before)
    assert not torch.are_deterministic_algorithms_enabled() and torch.utils.deterministic.fill_uninitialized_memory
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert logging.getLogger("lightning.pytorch").level == level and warnings.filters == filters
    assert not module.training and all(p.is_contiguous() and p.device.type == "cpu" for p in module.parameters())


def stop_after(epochs):
    seen = []

    def ask():
        seen.append(1)
        return len(seen) >= epochs

    return ask


def test_every_epoch_has_its_own_order(digits, monkeypatch):
    orders = []

    class Watched(Batches):
        def __iter__(self):
            seen = []  # Lightning does not run the iterator to its end, so it is kept from the start
            for batch in super().__iter__():
                if not seen:
                    orders.append((self.epoch, seen))
                seen.extend(batch[1].tolist())
                yield batch

    monkeypatch.setattr("blockspace.training.fitting.Batches", Watched)
    fit(small(), *digits.search_split(), quick(epochs=3), seed=7)
    alone = Batches(digits.train, quick(augment=[]), seed=7)
    for epoch in range(3):
        alone.epoch = epoch
        assert orders[epoch] == (epoch, torch.cat([labels for _, labels in alone]).tolist())
    assert len({tuple(order) for _, order in orders}) == 3


class Killed(Exception):
    pass


def kill_at(epoch):
    def tell(done):
        if done.epoch == epoch:
            raise Killed

    return tell


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_resumed_is_uninterrupted(digits, tmp_path, optimizer):
    recipe = quick(optimizer=optimizer, epochs=5)
    whole, parts = small(dropout=0.2), small(dropout=0.2)
    expected = fit(whole, *digits.search_split(), recipe, 1)
    with pytest.raises(Killed):
        fit(parts, *digits.search_split(), recipe, 1, tmp_path, callbacks=FitCallbacks(on_epoch=kill_at(3)), checkpointing=EVERY_EPOCH)
    parts = small(dropout=0.2)  # a new process builds it anew
    resumed = fit(parts, *digits.search_split(), recipe, 1, tmp_path)
    assert resumed.resumed == 3 and resumed.epochs == 5 and resumed.steps == expected.steps
    assert numbers(resumed) == numbers(expected) and same_weights(whole, parts)
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 6


def test_stopping_keeps_a_checkpoint_to_go_on_from(digits, tmp_path):
    expected = fit(small(), *digits.search_split(), quick(), 1)
    stopped = fit(small(), *digits.search_split(), quick(), 1, tmp_path, callbacks=FitCallbacks(should_stop=stop_after(2)))
    assert stopped.stopped and stopped.epochs == 2 and sorted(p.name for p in tmp_path.iterdir()) == ["last.ckpt", "metrics.csv"]
    resumed = fit(small(), *digits.search_split(), quick(), 1, tmp_path)
    assert numbers(resumed) == numbers(expected) and resumed.resumed == 2 and not resumed.stopped
    assert fit(small(), *digits.search_split(), quick(), 1, tmp_path, checkpointing=Checkpointing(resume=False)).resumed == 0


def test_a_checkpoint_is_plain_data_and_short_trainings_write_none(digits, tmp_path):
    fit(small(), *digits.search_split(), quick(epochs=2), 1, tmp_path / "short")
    assert [p.name for p in (tmp_path / "short").iterdir()] == ["metrics.csv"]
    fit(small(), *digits.search_split(), quick(epochs=2), 1, tmp_path, checkpointing=EVERY_EPOCH)
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["epoch"] == 0 and saved["state_dict"]["module.0.weight"].shape == (16, 1, 3, 3)


@pytest.mark.parametrize("kind", ["torn", "flipped", "empty", "of another seed", "of another network"])
def test_an_unusable_checkpoint_is_not_used(digits, tmp_path, kind, capsys):
    fit(small(), *digits.search_split(), quick(), 1, tmp_path, callbacks=FitCallbacks(should_stop=stop_after(1)))
    path = tmp_path / "last.ckpt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes({"torn": content[:5000], "flipped": content, "empty": b""}.get(kind, path.read_bytes()))
    seed, module = (2 if kind == "of another seed" else 1), small(channels=8 if kind == "of another network" else 16)
    assert fit(module, *digits.search_split(), quick(), seed, tmp_path).resumed == 0
    assert f"{path}: damaged, or of another training" in capsys.readouterr().err


def test_a_rate_too_high_diverges_at_a_step(digits):
    module, recipe = small(), quick(optimizer={"sgd": {"lr": 1e8}})
    with pytest.raises(Diverged) as caught:
        fit(module, *digits.search_split(), recipe, 0)
    assert 0 < caught.value.step < 28
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 (our own object)
    assert again.step == caught.value.step and "at step" in str(again)


def test_nan_weights_diverge_at_step_0_and_silently(digits, capfd):
    module = small()
    torch.nn.init.constant_(module[-1].bias, float("nan"))
    with pytest.raises(Diverged, match="the loss was nan at step 0"):
        fit(module, *digits.search_split(), quick(), 0)
    assert not torch.are_deterministic_algorithms_enabled() and not module.training
    assert capfd.readouterr() == ("", "")


def test_outputs_that_are_not_the_classes(digits):
    with pytest.raises(BlockspaceError, match="the network has 12 outputs, the data 10 classes") as caught:
        fit(small(outputs=12), *digits.search_split(), quick(), 0)
    assert caught.value.mistakes[0].code == "E-LABEL"


def test_a_folder_that_cannot_be_written(digits, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        fit(small(), *digits.search_split(), quick(epochs=2), 0, tmp_path / "file", checkpointing=EVERY_EPOCH)


def test_bf16_and_every_schedule_train(digits):
    for schedule in ("one_cycle", {"cosine": {"warmup": 1}}, "constant"):
        fitted = fit(small(), *digits.search_split(), quick(epochs=2, schedule=schedule, precision="bf16-mixed"), 0)
        assert fitted.history[-1].train_loss < 2.4


def test_ctrl_c_stays_ctrl_c(digits):
    with pytest.raises(KeyboardInterrupt):
        fit(small(), *digits.search_split(), quick(), 0, callbacks=FitCallbacks(on_epoch=lambda epoch: signal.raise_signal(signal.SIGINT)))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_stays_the_callers(digits):
    got = []
    before = signal.signal(signal.SIGTERM, lambda *_: got.append(1))
    try:
        callbacks = FitCallbacks(on_epoch=lambda epoch: signal.raise_signal(signal.SIGTERM))
        fitted = fit(small(), *digits.search_split(), quick(epochs=2), 0, callbacks=callbacks)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(got) == 2 and fitted.epochs == 2


def test_predict_leaves_modes_alone_and_refuses_raw_pixels(digits):
    module = small(dropout=0.5)
    module[1].eval()
    modes = [part.training for part in module.modules()]
    logits = predict(module, digits.val, batch=7)
    assert logits.shape == (400, 10) and [part.training for part in module.modules()] == modes
    assert torch.allclose(logits, predict(module, digits.val.normalized(digits.val.images)), atol=1e-5)
    with pytest.raises(TypeError, match="pass the Split"):
        predict(module, digits.val.images)


def test_a_split_smaller_than_a_batch_still_trains():
    images = torch.rand(20, 1, 8, 8)
    split = Split(images, torch.arange(20) % 10, 10)
    assert fit(small(), split, split, quick(epochs=2), 0).steps == 2


SILENT = """
import sys, warnings
sys.path.insert(0, sys.argv[1])
from nets import small
from blockspace.data import load
from blockspace.training import Checkpointing, fit, read_recipe
recipe = read_recipe({"epochs": 2, "accelerator": "cpu"})
fit(small(), *load("digits").search_split(), recipe, 0, sys.argv[2], checkpointing=Checkpointing(every_s=0))
"""
NARROW = """
import torch
from blockspace.data import load
from blockspace.training import fit, read_recipe
module = torch.nn.Sequential(
    torch.nn.Conv2d(1, {width}, 3, padding=1), torch.nn.Conv2d({width}, 16, 1, stride=2),
    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(16, 10),
)
digits = load({{"name": "digits", "train": 250, "val": 100}}).train
fit(module, digits, None, read_recipe({{"epochs": 3, "batch": 32, "accelerator": "cpu"}}), 0)
"""


def train_alone(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(folder)], capture_output=True, text=True)


def test_nothing_is_printed_and_a_narrow_strided_projection_trains(digits, tmp_path, capfd):
    """One process is about both: torch's backward pass of such a projection in NHWC ends it by SIGABRT or SIGSEGV."""
    fit(small(), *digits.search_split(), quick(epochs=2), 0)
    assert capfd.readouterr() == ("", "")
    done = train_alone(SILENT + NARROW.format(width=4), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last.ckpt", "metrics.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("width", [1, 7])
def test_other_narrow_strided_projections_train(width, tmp_path):
    done = train_alone(NARROW.format(width=width), tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
