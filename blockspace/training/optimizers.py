"""Optimizers: torch's, with a recipe's settings."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from blockspace.training.recipe import AdamW, Recipe, Sgd


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over the module's trainable parameters; see `Recipe.decay_norm_and_bias` for what decays."""
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    decayed: list[nn.Parameter] = []
    spared: list[nn.Parameter] = []
    for parameter in trainable:
        (spared if per_channel(parameter) and not recipe.decay_norm_and_bias else decayed).append(parameter)
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    return optimizer_of(recipe.optimizer, [group for group in groups if group["params"]])


def per_channel(parameter: nn.Parameter) -> bool:
    """Whether it holds one number for each channel: biases, what norms multiply by and add, learned scales of shape (C, 1, 1)."""
    return parameter.numel() == len(parameter)


def optimizer_of(chosen: Sgd | AdamW, groups: list[dict]) -> torch.optim.Optimizer:
    """torch's optimizer with these settings; `fused` updates all parameters in one call."""
    common: dict[str, Any] = {"lr": chosen.lr, "weight_decay": chosen.weight_decay, "fused": True}
    if isinstance(chosen, AdamW):
        return torch.optim.AdamW(groups, betas=(chosen.beta1, chosen.beta2), **common)
    return torch.optim.SGD(groups, momentum=chosen.momentum, nesterov=chosen.nesterov, **common)
