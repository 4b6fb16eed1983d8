"""What happens in a step: accumulation, clipping, moving averages, mixed labels and half precision, against loops written out in torch."""

import math

import pytest
import torch
from nets import small
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from blockspace.data import load
from blockspace.errors import BlockspaceError
from blockspace.training import Batches, Checkpointing, Diverged, FitCallbacks, fit, read_recipe, score
from blockspace.training.optimizers import make_optimizer
from blockspace.training.trainer import make_trainer

CPU = {"epochs": 3, "accelerator": "cpu", "channels_last": False, "optimizer": {"adamw": {"lr": 0.01}}}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits():
    return load({"name": "digits", "train": 250, "val": 100})


def recipe(**changes):
    return read_recipe(CPU | changes)


def same(a, b, exactly=True):
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) if exactly else torch.allclose(x, y, atol=1e-5) for x, y in pairs)


def test_one_number_per_channel_does_not_decay():
    """Biases, norms and learned scales (C, 1, 1) are spared, as gamma is by timm; matrices and kernels are not."""
    shapes = {(8,): False, (8, 1, 1): False, (1,): False, (8, 4): True, (1, 8): True, (8, 1, 3, 3): True, (1, 1, 1, 5): True}
    module = torch.nn.ParameterList(torch.zeros(shape) for shape in shapes)
    decayed, spared = make_optimizer(module, recipe(decay_norm_and_bias=False)).param_groups
    assert [tuple(p.shape) for p in decayed["params"]] == [shape for shape, decays in shapes.items() if decays]
    assert [tuple(p.shape) for p in spared["params"]] == [shape for shape, decays in shapes.items() if not decays]
    assert spared["weight_decay"] == 0 < decayed["weight_decay"]


def by_hand(module, split, recipe, seed, decay=None):
    """The training as a beginner would write it; the order of images is all it takes from here."""
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in module.parameters() if p.ndim > 1]},
         {"params": [p for p in module.parameters() if p.ndim <= 1], "weight_decay": 0.0}],
        lr=0.01, weight_decay=0.05, fused=True,
    )  # fmt: skip
    batches = Batches(split, recipe, seed)
    per_epoch = -(-len(batches) // recipe.accumulate)
    steps = per_epoch * recipe.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    average = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True) if decay else None
    module.train()
    for epoch in range(recipe.epochs):
        batches.epoch = epoch
        groups = [list(batches)[i : i + recipe.accumulate] for i in range(0, len(batches), recipe.accumulate)]
        for group in groups:
            optimizer.zero_grad()
            for images, labels in group:
                (cross_entropy(module(images), labels, label_smoothing=recipe.label_smoothing) / len(group)).backward()
            if recipe.clip_norm:
                torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.clip_norm)
            optimizer.step()
            schedule.step()
            if average:
                average.update_parameters(module)
    return average.module if average else module


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"accumulate": 2, "batch": 32},  # seven batches: the last step of an epoch has one
        {"clip_norm": 0.5, "label_smoothing": 0.1},
        {"mixup": {"alpha": 0.4}, "cutmix": True, "augment": ["crop", {"rotation": 15}]},
    ],
)
def test_a_training_is_the_loop_written_out(digits, keys):
    ours, theirs = small(), small()
    fitted = fit(ours, digits.train, None, recipe(**keys), 3)
    assert same(ours, by_hand(theirs, digits.train, recipe(**keys), 3).eval())
    assert fitted.steps == {32: 12}.get(keys.get("batch"), 9)


def test_the_average_is_torchs_and_is_what_is_evaluated_and_kept(digits):
    keys = recipe(ema={"decay": 0.8, "warmup": False})
    ours, theirs = small(), small()
    fitted = fit(ours, *digits.search_split(), keys, 3)
    assert same(ours, by_hand(theirs, digits.train, keys, 3, decay=0.8))
    assert not same(ours, theirs)  # which went on as without an average
    assert fitted.metrics["val_loss"] == pytest.approx(score(ours, digits.val).mean("loss"), abs=1e-5)


def test_a_warm_average_forgets_its_start():
    ema = recipe(ema=True).ema
    assert [ema.at(1), ema.at(8), ema.at(100_000)] == [2 / 11, 0.5, 0.999]


class Killed(Exception):
    pass


def kill_at(epoch):
    def tell(done):
        if done.epoch == epoch:
            raise Killed

    return tell


EVERY_EPOCH = Checkpointing(every_s=0)
ALL = {
    "epochs": 3, "ema": True, "mixup": True, "cutmix": {"p": 0.3}, "accumulate": 2, "batch": 32, "clip_norm": 1.0,
    "precision": "bf16-mixed",
    "augment": ["crop", "flip", {"rand_augment": {"magnitude": 7}}, {"random_erasing": {"p": 0.5}}],
}  # fmt: skip


def test_everything_at_once_resumes_bit_for_bit(tmp_path):
    few = load({"name": "digits", "train": 90, "val": 20})  # three batches: the last step of an epoch has one
    whole, parts = small(dropout=0.2), small(dropout=0.2)
    expected = fit(whole, *few.search_split(), recipe(**ALL), 1)
    with pytest.raises(Killed):
        callbacks = FitCallbacks(on_epoch=kill_at(2))
        fit(parts, *few.search_split(), recipe(**ALL), 1, tmp_path, callbacks=callbacks, checkpointing=EVERY_EPOCH)
    parts = small(dropout=0.2)
    resumed = fit(parts, *few.search_split(), recipe(**ALL), 1, tmp_path)
    assert resumed.resumed == 2 and same(whole, parts)
    assert [(e.train_loss, e.metrics) for e in resumed.history] == [(e.train_loss, e.metrics) for e in expected.history]


@pytest.mark.parametrize("keys", [{"ema": True}, {"mixup": True}, {"precision": "bf16-mixed"}, {"accumulate": 2}])
def test_the_first_loss_that_is_not_finite_stops_and_keeps_nothing(digits, tmp_path, keys):
    broken = recipe(optimizer={"sgd": {"lr": 1e9}}, **keys)
    with pytest.raises(Diverged, match=r"at step \d+"):
        fit(small(), *digits.search_split(), broken, 0, tmp_path, checkpointing=EVERY_EPOCH)
    assert not (tmp_path / "last.ckpt").exists()


def test_weights_broken_by_an_epochs_last_step_never_reach_a_checkpoint(digits, tmp_path, monkeypatch):
    from blockspace.training.training_module import TrainingModule

    def spoil(task, optimizer, rate, update=TrainingModule.update):
        update(task, optimizer, rate)
        torch.nn.init.constant_(task.module[-1].bias, float("nan"))

    monkeypatch.setattr(TrainingModule, "update", spoil)
    with pytest.raises(Diverged, match="at step 1"):
        fit(small(), digits.train, None, recipe(batch=250), 0, tmp_path, checkpointing=EVERY_EPOCH)
    assert not (tmp_path / "last.ckpt").exists()


def test_a_scaled_loss_gives_the_same_training(digits, monkeypatch):
    """fp16 needs a GPU; what scales its loss runs on a CPU too, and in float32 a power of two changes no bit but in the clipping."""
    from blockspace.training import fitting

    def scaled(recipe, evaluate, watch):
        trainer = make_trainer(recipe, evaluate, watch)
        trainer.precision_plugin.scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
        trainer.precision_plugin.pre_backward = lambda loss, module: trainer.precision_plugin.scaler.scale(loss)
        return trainer

    for keys in ({"ema": True}, {"accumulate": 2, "batch": 32}, {"clip_norm": 0.5}):
        plain, ours = small(), small()
        monkeypatch.setattr(fitting, "make_trainer", make_trainer)
        fit(plain, *digits.search_split(), recipe(**keys), 1)
        monkeypatch.setattr(fitting, "make_trainer", scaled)
        fit(ours, *digits.search_split(), recipe(**keys), 1)
        assert same(plain, ours, exactly=False)


def test_fp16_is_refused_on_a_cpu(digits, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BlockspaceError, match="precision: 16-mixed needs a GPU|16-mixed"):
        fit(small(), *digits.search_split(), recipe(precision="16-mixed", accelerator="auto"), 0)


def test_devices_that_are_not_there_are_refused(digits):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(BlockspaceError, match="train: ") as caught:
        fit(small(), *digits.search_split(), recipe(accelerator="gpu"), 0)
    assert caught.value.mistakes[0].code == "E-DEVICE" and caught.value.mistakes[0].help == "this machine has: cpu"


def test_a_batch_divides_among_the_devices(digits):
    with pytest.raises(BlockspaceError, match="train.batch: 33 images do not divide among 2 devices"):
        fit(small(), *digits.search_split(), recipe(devices=2, batch=33), 0)
