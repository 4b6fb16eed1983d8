"""Optimizers: torch's, with a recipe's settings."""

from __future__ import annotations

import torch
from torch import nn

from blockspace.train.recipe import AdamW, Recipe, Sgd


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
