"""Averaging: an exponential moving average of a network's weights and of its batch norm statistics."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from blockspace.training.recipe import Ema

Tensors = list[Tensor] | tuple[Tensor, ...]


class Average(AveragedModel):
    """torch's AveragedModel with the recipe's decay. It counts its updates in a buffer, so a resumed average goes on bit for bit.

    The statistics of batch norm are averaged with the weights (as timm does): they belong to the averaged weights, and need no further pass
    over the data.
    """

    def __init__(self, module: nn.Module, ema: Ema):
        super().__init__(module, multi_avg_fn=Blend(ema), use_buffers=True)
        self.requires_grad_(False)


class Blend:
    """One update, by torch's own function; a class so that it can be sent to another process."""

    def __init__(self, ema: Ema):
        self.ema = ema

    def __call__(self, averaged: Tensors, current: Tensors, updates: Tensor | int) -> None:
        get_ema_multi_avg_fn(self.ema.at(int(updates)))(averaged, current, updates)
