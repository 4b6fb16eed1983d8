"""fit: one training from start to end, with Lightning's Trainer stripped to its loop."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint
from torch import nn

from blockspace.data import Split
from blockspace.errors import error
from blockspace.files import write_atomic
from blockspace.training import checkpoint
from blockspace.training.batches.epoch import Batches, InOrder
from blockspace.training.batches.loading import placed
from blockspace.training.failing import translated
from blockspace.training.outcome import Epoch, Fitted
from blockspace.training.quiet import deterministic, own_randomness, quiet, same_interrupt
from blockspace.training.recipe import Recipe
from blockspace.training.scoring import evaluating
from blockspace.training.task import Task
from blockspace.training.trainer import lean_trainer

METRICS = "metrics.csv"
CHECKPOINT_EVERY_S = 20.0
Stop = Callable[[], bool]
Tell = Callable[[Epoch], None]
Step = Callable[[], None]


def fit(
    module: nn.Module,
    data_train: Split,
    data_eval: Split | None,
    recipe: Recipe,
    seed: int,
    folder: str | Path | None = None,
    resume: bool = True,
    should_stop: Stop | None = None,
    on_epoch: Tell | None = None,
    checkpoint_every_s: float = CHECKPOINT_EVERY_S,
    on_step: Step | None = None,
    aloud: bool = False,
) -> Fitted:
    """Train `module` in place and leave it in eval mode on the CPU, contiguous.

    The result is a function of the module's weights, the data, the recipe, the seed and the number of threads. With a `folder`, `last.ckpt`
    is written at the end of an epoch once `checkpoint_every_s` seconds have passed since the last one (and when `should_stop` ends the
    training), and `metrics.csv` at the end; with `resume` an undamaged `last.ckpt` of this same training is continued, bit for bit.
    `should_stop` is asked, and `on_epoch` told, after each epoch; `on_step` is called after each batch, also of the evaluation. Lightning's
    words are kept back unless `aloud`. With several devices these run in the first one's process. The weights are those of the average
    where the recipe has an `ema`.

    Raises Diverged at the first loss that is not finite, OutOfMemory when memory runs out, StorageError when `folder` cannot be written,
    and BlockspaceError: E-LABEL when the network's outputs are not the data's classes, E-TYPE for augmentations or batches that cannot be,
    E-DEVICE, E-COMPILE, E-BN-1X1.
    """
    watch = EpochEnd(Path(folder) if folder is not None else None, should_stop, on_epoch, checkpoint_every_s, on_step)
    identity = checkpoint.identity(module, data_train, recipe, seed)
    with ExitStack() as guest:
        for manner in (*(() if aloud else (quiet,)), deterministic, own_randomness, same_interrupt):
            guest.enter_context(manner())
        guest.enter_context(laid_out(module, recipe.channels_last))
        try:
            task = launch(module, data_train, data_eval, recipe, seed, watch, identity, resume)
        except Exception as reason:
            better = translated(reason, recipe.batch)
            if better is None:
                raise
            raise better from reason
    return finish(module, task, watch)


def launch(
    module: nn.Module, data_train: Split, data_eval: Split | None, recipe: Recipe, seed: int, watch: EpochEnd, identity: str, resume: bool
) -> Task:
    """The trained task."""
    check_outputs(module, data_train)
    trainer = lean_trainer(recipe, data_eval is not None, watch)
    # several devices divide each batch, which is made on the CPU
    device = trainer.strategy.root_device if trainer.world_size == 1 else torch.device("cpu")
    training, workers = placed(data_train, recipe, device)
    evaluation = InOrder(data_eval.to(device)) if data_eval is not None else None
    task = Task(module, recipe, Batches(training, recipe, seed, workers), evaluation, seed, identity)
    last = watch.checkpoint_of(task) if resume else None
    trainer.fit(task, task.batches, evaluation, ckpt_path=last, weights_only=True)
    return task


class EpochEnd(Checkpoint):
    """After each epoch: report, ask whether to stop, keep a checkpoint. (Lightning runs a `Checkpoint` after the task's own hook.)"""

    def __init__(self, folder: Path | None, should_stop: Stop | None, on_epoch: Tell | None, every_s: float, on_step: Step | None):
        self.on_step = on_step
        self.folder, self.should_stop, self.on_epoch, self.every_s = folder, should_stop, on_epoch, every_s
        self.saved_at = time.perf_counter()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        if self.on_step:
            self.on_step()

    on_validation_batch_end = on_train_batch_end

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if isinstance(pl_module, Task):
            self.ended(trainer, pl_module)

    def ended(self, trainer: L.Trainer, task: Task) -> None:
        """An epoch is over."""
        if self.on_epoch and trainer.is_global_zero:
            self.on_epoch(task.history[-1])
        unfinished = task.current_epoch + 1 < task.recipe.epochs
        stop = bool(unfinished and self.should_stop and self.should_stop())
        save = bool(self.folder and unfinished and (stop or time.perf_counter() - self.saved_at >= self.every_s))
        stop, save = trainer.strategy.broadcast((stop, save))  # the first device's clock and caller decide
        if stop:
            task.stopped = trainer.should_stop = True
        if save and self.folder is not None:
            trainer.save_checkpoint(self.folder / checkpoint.NAME)
            self.saved_at = time.perf_counter()

    def checkpoint_of(self, task: Task) -> Path | None:
        """The checkpoint to go on from, when there is a usable one."""
        path = self.folder / checkpoint.NAME if self.folder else None
        return path if path and path.is_file() and checkpoint.usable(path, task.identity) else None


@contextmanager
def laid_out(module: nn.Module, channels_last: bool) -> Iterator[None]:
    """The module's weights in NHWC while it trains, and contiguous afterwards, as other code and safetensors expect; then in eval mode."""
    if channels_last:
        module.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        module.to(memory_format=torch.contiguous_format)
        module.eval()


def check_outputs(module: nn.Module, split: Split) -> None:
    """The network's outputs are the data's classes. Raises BlockspaceError (E-LABEL)."""
    images = split.normalized(next(split.raw([torch.arange(min(2, len(split)))])))
    with evaluating(module):
        outputs = module(images).shape[1]
    if outputs != split.n_classes:
        help = f"set classes: {split.n_classes} in the network's params"
        raise error("E-LABEL", f"the network has {outputs} outputs, the data {split.n_classes} classes", help=help)


def finish(module: nn.Module, task: Task, watch: EpochEnd) -> Fitted:
    """The result, the average's weights in the module, and metrics.csv beside the checkpoint."""
    if task.average is not None:
        module.load_state_dict(task.average.module.state_dict())
    history = tuple(task.history)
    if watch.folder:
        write_atomic(watch.folder / METRICS, metrics_csv(history))
    steps = len(history) * task.steps_per_epoch
    return Fitted(history, len(history), steps, sum(epoch.seconds for epoch in history), task.resumed, task.stopped)


def metrics_csv(history: tuple[Epoch, ...]) -> str:
    """One row per epoch; the columns are the fields of `Epoch`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in history)
    return text.getvalue()
