"""Outputs and scores of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy
import torch
from torch import Tensor, nn

from blockspace.data import Split
from blockspace.training.batches.epoch import InOrder
from blockspace.training.outcome import Scores


@contextmanager
def evaluating(module: nn.Module) -> Iterator[nn.Module]:
    """The module in eval mode, without gradients; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.inference_mode():
            yield module
    finally:
        for part, mode in modes:
            part.training = mode


def nothing() -> None:
    """Nobody counts the batches."""


def predict(module: nn.Module, split: Split | Tensor, batch: int = 256, on_batch: Callable[[], None] = nothing) -> Tensor:
    """Logits `(N, classes)`, float32 on the CPU, in the split's order and in full precision; `on_batch` is called after each batch.

    A plain tensor `(N, C, H, W)` must be float and is fed as it is. Raises TypeError for one of uint8, whose normalisation is not known.
    """
    if isinstance(split, Tensor):
        if not split.is_floating_point():
            raise TypeError(f"predict: a tensor must hold normalised floats, got {split.dtype}; pass the Split for raw images")
        split = Split(split, torch.zeros(len(split), dtype=torch.int64), 0)
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    outputs = []
    with evaluating(module):
        for images, _ in InOrder(split, batch):
            outputs.append(module(images.to(device)).float().cpu())
            on_batch()
    return torch.cat(outputs)


def score(module: nn.Module, split: Split, batch: int = 256, on_batch: Callable[[], None] = nothing) -> Scores:
    """Right or wrong, and log-loss in nats (computed in float64), for each image of the split."""
    logits = predict(module, split, batch, on_batch).double()
    labels = split.labels.cpu()
    losses = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    return Scores((logits.argmax(1) == labels).numpy(), losses.numpy().astype(numpy.float64))
