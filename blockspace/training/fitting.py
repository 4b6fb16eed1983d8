"""`fit`: one training from start to end, with Lightning's Trainer stripped to its loop."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from torch import nn

from blockspace.data import Split
from blockspace.files import write_atomic
from blockspace.records import TrainingDir
from blockspace.training.batches.loader import Batches, OrderedBatches, place_split
from blockspace.training.checkpoint import compute_identity, is_usable
from blockspace.training.error_translation import translate_error
from blockspace.training.fit_result import EpochResult, FitResult
from blockspace.training.process_state import (
    keep_keyboard_interrupt,
    preserve_random_state,
    suppress_output,
    use_deterministic_algorithms,
)
from blockspace.training.recipe import Recipe
from blockspace.training.scoring import eval_mode
from blockspace.training.tasks import DEFAULT_TASK, TASKS, Task
from blockspace.training.trainer import make_trainer
from blockspace.training.training_module import TrainingModule


@dataclass(frozen=True)
class FitCallbacks:
    """Functions that a training calls; with several devices, in the first one's process.

    Attributes:
        should_stop: asked after each epoch; True ends the training.
        on_epoch: called with each finished epoch.
        on_step: called after each batch, also of the validation.
    """

    should_stop: Callable[[], bool] | None = None
    on_epoch: Callable[[EpochResult], None] | None = None
    on_step: Callable[[], None] | None = None


@dataclass(frozen=True)
class Checkpointing:
    """When `last.ckpt` is written and read.

    Attributes:
        every_s: least seconds between two checkpoints, which are written at the end of an epoch.
        resume: whether an undamaged checkpoint of this same training is continued.
    """

    every_s: float = 20.0
    resume: bool = True


def fit(
    module: nn.Module,
    data_train: Split,
    data_eval: Split | None,
    recipe: Recipe,
    seed: int,
    folder: str | Path | None = None,
    *,
    task: Task | None = None,
    callbacks: FitCallbacks = FitCallbacks(),
    checkpointing: Checkpointing = Checkpointing(),
    verbose: bool = False,
) -> FitResult:
    """Train `module` in place and leave it in eval mode on the CPU, contiguous.

    The weights are the average's where the recipe has an `ema`. The result is a function of the module's weights, the data, the task, the
    recipe, the seed and the number of threads. A resumed training is continued bit for bit.

    Args:
        module: the network; it maps images `(B, C, H, W)` to the task's outputs, `(B, classes)` for classification.
        data_train: training images.
        data_eval: validation images, measured after each epoch; None measures nothing.
        recipe: the `train:` section.
        seed: of the batches' order, augmentation and dropout.
        folder: where `last.ckpt` and, at the end, `metrics.csv` are written; None writes nothing.
        task: loss and metrics; classification unless given.
        callbacks: functions called on the way.
        checkpointing: when checkpoints are written and read.
        verbose: whether Lightning's messages are shown.

    Raises Diverged at the first loss that is not finite, OutOfMemory when memory runs out, StorageError when `folder` cannot be written,
    and BlockspaceError: E-LABEL when the network's outputs do not fit the data, E-TYPE for augmentations or batches that cannot be,
    E-DEVICE, E-COMPILE, E-BN-1X1.
    """
    task = task or TASKS[DEFAULT_TASK]
    at_epoch_end = EpochEndCallback(Path(folder) if folder is not None else None, callbacks, checkpointing)
    identity = compute_identity(module, data_train, task, recipe, seed)
    with ExitStack() as surroundings:
        if not verbose:
            surroundings.enter_context(suppress_output())
        for context in (use_deterministic_algorithms, preserve_random_state, keep_keyboard_interrupt):
            surroundings.enter_context(context())
        try:
            check_outputs(module, data_train, task)
            trainer = make_trainer(recipe, data_eval is not None, at_epoch_end)
            if trainer.strategy.root_device.type == "cpu" and has_narrow_projection(module):
                recipe = recipe.model_copy(update={"channels_last": False})
            surroundings.enter_context(use_memory_format(module, recipe.channels_last))
            # several devices divide each batch, which is made on the CPU
            device = trainer.strategy.root_device if trainer.world_size == 1 else torch.device("cpu")
            train_images, workers = place_split(data_train, recipe, device)
            evaluation = OrderedBatches(data_eval.to(device)) if data_eval is not None else None
            batches = Batches(train_images, recipe, seed, workers)
            training = TrainingModule(module, task, recipe, batches, evaluation, seed, identity)
            last = at_epoch_end.find_checkpoint(identity) if checkpointing.resume else None
            trainer.fit(training, batches, evaluation, ckpt_path=last, weights_only=True)
        except Exception as reason:
            better = translate_error(reason, recipe.batch)
            if better is None:
                raise
            raise better from reason
    return collect_result(module, training, at_epoch_end.folder)


class EpochEndCallback(Checkpoint):
    """After each epoch: report, ask whether to stop, write a checkpoint. (Lightning runs a `Checkpoint` after the module's own hook.)"""

    def __init__(self, folder: Path | None, callbacks: FitCallbacks, checkpointing: Checkpointing):
        self.folder, self.callbacks, self.checkpointing = folder, callbacks, checkpointing
        self.saved_at = time.perf_counter()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Report a batch."""
        if self.callbacks.on_step:
            self.callbacks.on_step()

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        """Report a batch."""
        if self.callbacks.on_step:
            self.callbacks.on_step()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Report the epoch, and stop or write a checkpoint."""
        if isinstance(pl_module, TrainingModule):
            self.end_epoch(trainer, pl_module)

    def end_epoch(self, trainer: L.Trainer, training: TrainingModule) -> None:
        """Report the epoch, and stop or write a checkpoint. The first device's clock and caller decide for all."""
        if self.callbacks.on_epoch and trainer.is_global_zero:
            self.callbacks.on_epoch(training.history[-1])
        unfinished = training.current_epoch + 1 < training.recipe.epochs
        should_stop = self.callbacks.should_stop
        stop = bool(unfinished and should_stop and should_stop())
        due = time.perf_counter() - self.saved_at >= self.checkpointing.every_s
        stop, save = trainer.strategy.broadcast((stop, bool(self.folder and unfinished and (stop or due))))
        if stop:
            training.stopped = trainer.should_stop = True
        if save and self.folder is not None:
            trainer.save_checkpoint(TrainingDir(self.folder).checkpoint)
            self.saved_at = time.perf_counter()

    def find_checkpoint(self, identity: str) -> Path | None:
        """Return the usable checkpoint of the training with this identity, or None; one that is not usable is named on stderr."""
        path = TrainingDir(self.folder).checkpoint if self.folder else None
        if path is None or not path.is_file():
            return None
        if not is_usable(path, identity):
            print(f"{path}: damaged, or of another training; the training starts from its beginning", file=sys.stderr)
            return None
        return path


def has_narrow_projection(module: nn.Module) -> bool:
    """Return whether the module has a strided 1x1 convolution of fewer than 8 channels.

    In NHWC on a CPU, oneDNN (torch 2.14) writes outside its memory in the backward pass of such a convolution: the process dies, or goes on
    with damaged numbers. In NCHW it does not.
    """
    return any(
        isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and max(layer.stride) > 1 and layer.in_channels < 8
        for layer in module.modules()
    )


@contextmanager
def use_memory_format(module: nn.Module, channels_last: bool) -> Iterator[None]:
    """Keep the module's weights in NHWC while it trains, and leave it contiguous, as other code and safetensors expect, in eval mode."""
    if channels_last:
        module.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        module.to(memory_format=torch.contiguous_format)
        module.eval()


def check_outputs(module: nn.Module, split: Split, task: Task) -> None:
    """Check the network's outputs for two images against the data. Raises BlockspaceError (E-LABEL)."""
    images = split.normalized(next(split.raw([torch.arange(min(2, len(split)))])))
    with eval_mode(module):
        task.check_outputs(module(images), split)


def collect_result(module: nn.Module, training: TrainingModule, folder: Path | None) -> FitResult:
    """Return the result of a training; write the average's weights into the module, and metrics.csv."""
    if training.average is not None:
        module.load_state_dict(training.average.module.state_dict())
    history = tuple(training.history)
    if folder:
        write_atomic(TrainingDir(folder).metrics, format_metrics_csv(history, training.metric_names))
    steps = len(history) * training.steps_per_epoch
    return FitResult(history, len(history), steps, sum(epoch.seconds for epoch in history), training.resumed, training.stopped)


def format_metrics_csv(history: tuple[EpochResult, ...], metrics: list[str]) -> str:
    """Return a CSV with a row per epoch: its number, losses and metrics, learning rate, seconds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["epoch", "train_loss", *metrics, "lr", "seconds"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(epoch.to_row(metrics) for epoch in history)
    return text.getvalue()
