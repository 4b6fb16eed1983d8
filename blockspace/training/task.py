"""Task: the LightningModule that trains a network by a recipe.

Steps are small here (milliseconds), so two things are done by hand. Losses and hits are counted in plain numbers and reported once per
epoch: `self.log` in each step would cost as much as Lightning's whole loop. And the step calls the optimizer itself (Lightning's "manual
optimization"), which spares a quarter of that loop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blockspace.training.averaging import Average
from blockspace.training.batches.epoch import Batches, InOrder, seed_of
from blockspace.training.compiling import compiled
from blockspace.training.optimizers import make_optimizer
from blockspace.training.outcome import Diverged, Epoch
from blockspace.training.recipe import Recipe


@dataclass
class Count:
    """What one epoch adds up; not on the module itself, where setting an attribute is slow."""

    loss_sum: float = 0.0
    trained: float = 0
    val_loss_sum: float = 0.0
    val_hits: float = 0
    evaluated: float = 0
    started: float = field(default_factory=time.perf_counter)


class Task(L.LightningModule):
    """Classification of `module`'s logits with cross-entropy; optimizer, schedule and all else of a step are the recipe's.

    `history` grows by one `Epoch` per epoch. It is part of the module's state, so that it travels in checkpoints, beside `identity`, which
    says what the checkpoint is of, and comes back from other processes. Raises Diverged out of the training loop at the first loss that is
    not finite; the weights then never reach a checkpoint.
    """

    def __init__(self, module: nn.Module, recipe: Recipe, batches: Batches, evaluation: InOrder | None, seed: int, identity: str = ""):
        super().__init__()
        self.module, self.recipe, self.seed, self.identity = module, recipe, seed, identity
        self.batches, self.evaluation = batches, evaluation
        self.average = Average(module, recipe.ema) if recipe.ema else None
        self.history: list[Epoch] = []
        self.resumed, self.stopped = 0, False
        self.automatic_optimization = False
        self.count = Count()
        self.compiled: Callable[[Tensor], Tensor] | None = None

    @property
    def result(self) -> nn.Module:
        """What is evaluated and kept: the average where there is one, else the network itself."""
        return self.module if self.average is None else self.average.module

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps; the last takes what batches are left."""
        return -(-len(self.batches) // self.recipe.accumulate)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimizer(self.module, self.recipe)

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, from 0: a function of the step alone, so there is no scheduler to restore."""
        per_epoch = self.steps_per_epoch
        return self.recipe.lr(step, per_epoch * self.recipe.epochs, per_epoch)

    def on_fit_start(self) -> None:
        self.compiled = compiled(self.module, self.recipe.compile)
        for images in (self.batches, self.evaluation):
            if images is not None:
                images.share = (self.global_rank, self.trainer.world_size)

    def on_train_start(self) -> None:
        self.resumed, self.stopped = len(self.history), False

    def on_train_epoch_start(self) -> None:
        self.count = Count()
        self.batches.epoch = self.current_epoch
        torch.manual_seed(seed_of("dropout", self.seed, self.current_epoch))  # `fit` keeps the caller's generator

    def logits(self, network, images: Tensor) -> Tensor:
        """Logits `(B, classes)` of normalised images `(B, C, H, W)`."""
        if self.recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return network(images)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        every = self.recipe.accumulate
        first = index - index % every
        last = min(first + every, len(self.batches)) - 1
        step = self.current_epoch * self.steps_per_epoch + index // every
        loss = cross_entropy(self.logits(self.compiled, images), labels, label_smoothing=self.recipe.label_smoothing)
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(step, value)
        (optimizer,) = self.trainer.optimizers
        if index == first:
            optimizer.zero_grad()
        self.gradients(loss if first == last else loss / (last - first + 1))
        if index == last:
            self.update(optimizer, self.rate(step))
        self.count.loss_sum += value * len(labels)
        self.count.trained += len(labels)

    def gradients(self, loss: Tensor) -> None:
        """The backward pass; through Lightning where several devices take part or the loss is scaled, which costs time otherwise."""
        if self.trainer.world_size > 1 or self.scaler is not None:
            self.manual_backward(loss)
        else:
            loss.backward()

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """What scales the loss in 16-mixed; it leaves out steps whose gradients overflowed."""
        return getattr(self.trainer.precision_plugin, "scaler", None)

    def update(self, optimizer: torch.optim.Optimizer, rate: float) -> None:
        """One optimizer step at this learning rate."""
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
        images, labels = batch
        logits = self.logits(self.result, images).float()
        self.count.val_loss_sum += cross_entropy(logits, labels, reduction="sum").item()
        self.count.val_hits += int((logits.argmax(1) == labels).sum())
        self.count.evaluated += len(labels)

    def on_train_epoch_end(self) -> None:
        epoch, steps = self.summary(), (self.current_epoch + 1) * self.steps_per_epoch
        if epoch.val_loss is not None and not math.isfinite(epoch.val_loss):
            raise Diverged(steps, epoch.val_loss)
        if not finite(self.module):  # the epoch's last step has not met a loss yet
            raise Diverged(steps)
        self.history.append(epoch)

    def summary(self) -> Epoch:
        """The epoch that was just counted, over all devices."""
        *sums, started = astuple(self.count)
        if self.trainer.world_size > 1:
            sums = self.trainer.strategy.reduce(torch.tensor(sums, device=self.device), reduce_op="sum").tolist()
        loss, trained, val_loss, hits, n = sums
        val: tuple[float | None, float | None] = (val_loss / n, hits / n) if n else (None, None)
        rate = self.rate((self.current_epoch + 1) * self.steps_per_epoch - 1)
        return Epoch(self.current_epoch, loss / trained, *val, rate, time.perf_counter() - started)

    def get_extra_state(self) -> dict:
        return {"history": [asdict(epoch) for epoch in self.history], "resumed": self.resumed, "stopped": self.stopped}

    def set_extra_state(self, state: dict) -> None:
        self.history = [Epoch(**row) for row in state["history"]]
        self.resumed, self.stopped = state["resumed"], state["stopped"]

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["blockspace"] = {"identity": self.identity}


def finite(module: nn.Module) -> bool:
    """Whether every weight and statistic is a finite number."""
    values = [value for value in module.state_dict().values() if value.is_floating_point()]
    return math.isfinite(float(nn.utils.get_total_norm(values)))
