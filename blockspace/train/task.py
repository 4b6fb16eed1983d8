"""Task: the LightningModule that trains a network by a recipe.

Steps are small here (milliseconds), so two things are done by hand. Losses and hits are counted in plain numbers and reported once per
epoch: `self.log` in each step would cost as much as Lightning's whole loop. And the step calls the optimizer itself (Lightning's "manual
optimization"), which spares a quarter of that loop.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from blockspace.train.batches import Batches, seed_of
from blockspace.train.outcome import Diverged, Epoch
from blockspace.train.recipe import AdamW, Recipe, Sgd


@dataclass
class Count:
    """What one epoch adds up; not on the module itself, where setting an attribute is slow."""

    started: float = field(default_factory=time.perf_counter)
    loss_sum: float = 0.0
    trained: int = 0
    val_loss_sum: float = 0.0
    val_hits: int = 0
    evaluated: int = 0


class Task(L.LightningModule):
    """Classification of `module`'s logits with cross-entropy; the optimizer and schedule are the recipe's.

    `history` grows by one `Epoch` per epoch and travels in checkpoints together with `identity`, which says what the checkpoint is of.
    Raises Diverged out of the training loop at the first loss that is not finite.
    """

    def __init__(self, module: nn.Module, recipe: Recipe, batches: Batches, seed: int, identity: str = ""):
        super().__init__()
        self.module, self.recipe, self.batches, self.seed, self.identity = module, recipe, batches, seed, identity
        self.history: list[Epoch] = []
        self.automatic_optimization = False
        self.count = Count()

    def forward(self, images: Tensor) -> Tensor:
        """Logits `(B, classes)` of normalised images `(B, C, H, W)`."""
        if self.recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return self.module(images)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return make_optimizer(self.module, self.recipe)

    def rate(self, step: int) -> float:
        """The learning rate of step `step`, from 0: a function of the step alone, so there is no scheduler to restore."""
        per_epoch = len(self.batches)
        return self.recipe.lr(step, per_epoch * self.recipe.epochs, per_epoch)

    def on_train_epoch_start(self) -> None:
        self.count = Count()
        self.batches.epoch = self.current_epoch
        torch.manual_seed(seed_of("dropout", self.seed, self.current_epoch))  # `fit` keeps the caller's generator

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        step = self.current_epoch * len(self.batches) + index
        loss = cross_entropy(self(images), labels, label_smoothing=self.recipe.label_smoothing)
        value = loss.item()
        if not math.isfinite(value):
            raise Diverged(step, value)
        optimizer = self.optimizers(use_pl_optimizer=False)
        for group in optimizer.param_groups:
            group["lr"] = self.rate(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        self.count.loss_sum += value * len(labels)
        self.count.trained += len(labels)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        images, labels = batch
        logits = self(images).float()
        self.count.val_loss_sum += cross_entropy(logits, labels, reduction="sum").item()
        self.count.val_hits += int((logits.argmax(1) == labels).sum())
        self.count.evaluated += len(labels)

    def on_train_epoch_end(self) -> None:
        epoch = self.summary()
        if epoch.val_loss is not None and not math.isfinite(epoch.val_loss):
            raise Diverged((self.current_epoch + 1) * len(self.batches), epoch.val_loss)
        self.history.append(epoch)

    def summary(self) -> Epoch:
        """The epoch that was just counted."""
        count, n = self.count, self.count.evaluated
        val_loss, val_acc = (count.val_loss_sum / n, count.val_hits / n) if n else (None, None)
        rate = self.rate((self.current_epoch + 1) * len(self.batches) - 1)
        return Epoch(self.current_epoch, count.loss_sum / count.trained, val_loss, val_acc, rate, time.perf_counter() - count.started)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["blockspace"] = {"identity": self.identity, "history": [asdict(epoch) for epoch in self.history]}

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self.history = [Epoch(**row) for row in checkpoint["blockspace"]["history"]]


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the module's trainable parameters; see `Recipe.decay_norm_and_bias` for what decays."""
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    spared = [] if recipe.decay_norm_and_bias else [parameter for parameter in trainable if parameter.ndim <= 1]
    decayed = [parameter for parameter in trainable if recipe.decay_norm_and_bias or parameter.ndim > 1]
    groups = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    return optimizer_of(recipe.optimizer, [group for group in groups if group["params"]])


def optimizer_of(chosen: Sgd | AdamW, groups: list[dict]) -> torch.optim.Optimizer:
    """torch's optimizer with these settings; `fused` updates all parameters in one call."""
    common = {"lr": chosen.lr, "weight_decay": chosen.weight_decay, "fused": True}
    if isinstance(chosen, AdamW):
        return torch.optim.AdamW(groups, betas=(chosen.beta1, chosen.beta2), **common)
    return torch.optim.SGD(groups, momentum=chosen.momentum, nesterov=chosen.nesterov, **common)
