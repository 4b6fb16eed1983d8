"""The LightningModule that trains a network by a recipe.

Steps are small here (milliseconds), so two things are done by hand. Losses and metrics are summed in plain numbers and reported once per
epoch: `self.log` in each step would cost as much as Lightning's whole loop. And the step calls the optimizer itself (Lightning's "manual
optimization"), which spares a quarter of that loop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from blockspace.training.batches.loader import Batches, OrderedBatches, derive_loader_seed
from blockspace.training.fit_result import Diverged, EpochResult
from blockspace.training.optimizers import WeightAverage, make_optimizer
from blockspace.training.recipe import Recipe
from blockspace.training.tasks import Task
from blockspace.training.torch_compile import compile_forward


@dataclass
class EpochSums:
    """Sums over one epoch: `val` as the task measures, by name. Not on the module itself, where setting an attribute is slow."""

    val: dict[str, float]
    loss: float = 0.0
    images: float = 0
    val_images: float = 0
    started: float = field(default_factory=time.perf_counter)


class TrainingModule(L.LightningModule):
    """Train `module` on a task; optimizer, schedule and all else of a step are the recipe's.

    `history` grows by one `EpochResult` per epoch. It is part of the module's state, so that it travels in checkpoints, beside `identity`,
    which says what the checkpoint is of, and comes back from other processes. Raises Diverged out of the training loop at the first loss
    that is not finite; the weights then never reach a checkpoint.
    """

    def __init__(
        self,
        module: nn.Module,
        task: Task,
        recipe: Recipe,
        batches: Batches,
        evaluation: OrderedBatches | None,
        seed: int,
        identity: str = "",
    ):
        super().__init__()
        self.module, self.task, self.recipe, self.seed, self.identity = module, task, recipe, seed, identity
        self.batches, self.evaluation = batches, evaluation
        self.average = WeightAverage(module, recipe.ema) if recipe.ema else None
        self.history: list[EpochResult] = []
        self.resumed, self.stopped = 0, False
        self.automatic_optimization = False
        self.sums = self.start_sums()
        self.compiled: Callable[[Tensor], Tensor] | None = None

    @property
    def result(self) -> nn.Module:
        """The network that is evaluated and kept: the average where there is one, else the network itself."""
        return self.module if self.average is None else self.average.module

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps; the last takes what batches are left."""
        return -(-len(self.batches) // self.recipe.accumulate)

    @property
    def metric_names(self) -> list[str]:
        """The task's metrics on the validation split: `val_loss`, `val_acc`."""
        return [f"val_{metric.name}" for metric in self.task.metrics]

    def start_sums(self) -> EpochSums:
        """Return the sums of an epoch that begins."""
        return EpochSums(dict.fromkeys(self.task.sums, 0.0))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the recipe's optimizer."""
        return make_optimizer(self.module, self.recipe)

    def rate(self, step: int) -> float:
        """Return the learning rate of step `step`, from 0: a function of the step alone, so there is no scheduler to restore."""
        per_epoch = self.steps_per_epoch
        return self.recipe.lr(step, per_epoch * self.recipe.epochs, per_epoch)

    def on_fit_start(self) -> None:
        """Compile the network where the recipe says so, and divide the batches among the devices."""
        self.compiled = compile_forward(self.module, self.recipe.compile)
        for images in (self.batches, self.evaluation):
            if images is not None:
                images.share = (self.global_rank, self.trainer.world_size)

    def on_train_start(self) -> None:
        """Count the epochs that came from a checkpoint."""
        self.resumed, self.stopped = len(self.history), False

    def on_train_epoch_start(self) -> None:
        """Begin an epoch's sums, batches and random numbers."""
        self.sums = self.start_sums()
        self.batches.epoch = self.current_epoch
        torch.manual_seed(derive_loader_seed("dropout", self.seed, self.current_epoch))  # `fit` keeps the caller's generator

    def compute_outputs(self, network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        """Return the network's outputs, `(B, classes)` of a classifier, for normalised images `(B, C, H, W)`."""
        if self.recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return network(images)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Take a batch's gradients, and the optimizer's step after the last batch of `accumulate`."""
        images, targets = batch
        every = self.recipe.accumulate
        first = index - index % every
        last = min(first + every, len(self.batches)) - 1
        step = self.current_epoch * self.steps_per_epoch + index // every
        loss = self.task.loss(self.compute_outputs(self.compiled or self.module, images), targets, self.recipe)
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(step, value)
        (optimizer,) = self.trainer.optimizers
        if index == first:
            optimizer.zero_grad()
        self.backpropagate(loss if first == last else loss / (last - first + 1))
        if index == last:
            self.update(optimizer, self.rate(step))
        self.sums.loss += value * len(targets)
        self.sums.images += len(targets)

    def backpropagate(self, loss: Tensor) -> None:
        """Run the backward pass; through Lightning where several devices take part or the loss is scaled, which costs time otherwise."""
        if self.trainer.world_size > 1 or self.scaler is not None:
            self.manual_backward(loss)
        else:
            torch.autograd.backward(loss)

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """The scaler of the loss in 16-mixed; it leaves out steps whose gradients overflowed."""
        return getattr(self.trainer.precision_plugin, "scaler", None)

    def update(self, optimizer: torch.optim.Optimizer, rate: float) -> None:
        """Take one optimizer step at this learning rate."""
        for group in optimizer.param_groups:
            group["lr"] = rate
        scaler = self.scaler
        if self.recipe.clip_norm is not None:
            if scaler is not None:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip_norm)
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.module)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Add a validation batch to the epoch's sums."""
        images, targets = batch
        outputs = self.compute_outputs(self.result, images).float()
        for name, value in self.task.measure(outputs, targets).items():
            self.sums.val[name] += value
        self.sums.val_images += len(targets)

    def on_train_epoch_end(self) -> None:
        """Add the epoch to the history. Raises Diverged for a metric or weights that are not finite."""
        epoch, steps = self.summarize_epoch(), (self.current_epoch + 1) * self.steps_per_epoch
        for value in epoch.metrics.values():
            if not math.isfinite(value):
                raise Diverged(steps, value)
        if not has_finite_weights(self.module):  # the epoch's last step has not met a loss yet
            raise Diverged(steps)
        self.history.append(epoch)

    def summarize_epoch(self) -> EpochResult:
        """Return the epoch that was just summed, over all devices."""
        sums, names = self.sums, list(self.sums.val)
        totals = [sums.loss, sums.images, *sums.val.values(), sums.val_images]
        if self.trainer.world_size > 1:
            totals = self.trainer.strategy.reduce(torch.tensor(totals, device=self.device), reduce_op="sum").tolist()
        loss, images, *val, val_images = totals
        metrics = self.task.summarize(dict(zip(names, val, strict=True)), int(val_images)) if val_images else {}
        rate = self.rate((self.current_epoch + 1) * self.steps_per_epoch - 1)
        named = {f"val_{metric.name}": metrics[metric.name] for metric in self.task.metrics} if metrics else {}
        return EpochResult(self.current_epoch, loss / images, named, rate, time.perf_counter() - sums.started)

    def get_extra_state(self) -> dict[str, Any]:
        """Return the history for a checkpoint, as flat rows."""
        return {"history": [epoch.to_row(self.metric_names) for epoch in self.history], "resumed": self.resumed, "stopped": self.stopped}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the history from a checkpoint."""
        self.history = [EpochResult.from_row(row) for row in state["history"]]
        self.resumed, self.stopped = state["resumed"], state["stopped"]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write into a checkpoint of which training it is."""
        checkpoint["blockspace"] = {"identity": self.identity}


def has_finite_weights(module: nn.Module) -> bool:
    """Return whether every weight and statistic is a finite number."""
    values = [value for value in module.state_dict().values() if value.is_floating_point()]
    return math.isfinite(float(nn.utils.get_total_norm(values)))
