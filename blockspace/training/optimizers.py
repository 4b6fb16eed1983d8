"""Optimizers with a recipe's settings, and the exponential moving average (EMA) of weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from blockspace.training.recipe import AdamW, Ema, Recipe

Tensors = list[Tensor] | tuple[Tensor, ...]


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimizer over the module's trainable parameters; see `Recipe.decay_norm_and_bias` for which of them decay.

    `fused` updates all parameters in one call.
    """
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for parameter in trainable:
        (spared if is_per_channel(parameter) and not recipe.decay_norm_and_bias else decayed).append(parameter)
    groups = [group for group in ({"params": decayed}, {"params": spared, "weight_decay": 0.0}) if group["params"]]
    chosen = recipe.optimizer
    common: dict[str, Any] = {"lr": chosen.lr, "weight_decay": chosen.weight_decay, "fused": True}
    if isinstance(chosen, AdamW):
        return torch.optim.AdamW(groups, betas=(chosen.beta1, chosen.beta2), **common)
    return torch.optim.SGD(groups, momentum=chosen.momentum, nesterov=chosen.nesterov, **common)


def is_per_channel(parameter: nn.Parameter) -> bool:
    """Return whether a parameter holds one number per channel, as biases, norms' weights and learned scales `(C, 1, 1)` do."""
    return parameter.numel() == len(parameter)


class WeightAverage(AveragedModel):
    """torch's AveragedModel with the recipe's decay. It counts its updates in a buffer, so a resumed average goes on bit for bit.

    The statistics of batch norm are averaged with the weights (as timm does): they belong to the averaged weights, and need no further pass
    over the data.
    """

    def __init__(self, module: nn.Module, ema: Ema):
        super().__init__(module, multi_avg_fn=EmaUpdate(ema), use_buffers=True)
        self.requires_grad_(False)


class EmaUpdate:
    """One update of an average, by torch's own function; a class so that it can be sent to another process."""

    def __init__(self, ema: Ema):
        self.ema = ema

    def __call__(self, averaged: Tensors, current: Tensors, updates: Tensor | int) -> None:
        """Update the averaged tensors in place; `updates` counts the updates so far."""
        get_ema_multi_avg_fn(self.ema.at(int(updates)))(averaged, current, updates)  # type: ignore[no-untyped-call]  # torch's
