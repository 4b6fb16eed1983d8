"""Outputs and scores of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from blockspace.data import Split
from blockspace.training.batches.loader import OrderedBatches
from blockspace.training.fit_result import Scores
from blockspace.training.tasks import DEFAULT_TASK, TASKS, Task


@contextmanager
def eval_mode(module: nn.Module) -> Iterator[nn.Module]:
    """Put the module into eval mode, without gradients; afterwards each part is in the mode it was in."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.inference_mode():
            yield module
    finally:
        for part, mode in modes:
            part.training = mode


def ignore_batch() -> None:
    """Do nothing after a batch."""


def predict(module: nn.Module, split: Split | Tensor, batch: int = 256, on_batch: Callable[[], None] = ignore_batch) -> Tensor:
    """Return the network's outputs `(N, ...)`, logits `(N, classes)` of a classifier, float32 on the CPU, in the split's order.

    Computed in full precision; `on_batch` is called after each batch. A plain tensor `(N, C, H, W)` must be float and is fed as it is.
    Raises TypeError for one of uint8, whose normalisation is not known.
    """
    if isinstance(split, Tensor):
        if not split.is_floating_point():
            raise TypeError(f"predict: a tensor must contain normalised floats, got {split.dtype}; pass the Split for raw images")
        split = Split(split, torch.zeros(len(split), dtype=torch.int64), 0)
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    outputs = []
    with eval_mode(module):
        for images, _ in OrderedBatches(split, batch):
            outputs.append(module(images.to(device)).float().cpu())
            on_batch()
    return torch.cat(outputs)


def score(
    module: nn.Module, split: Split, batch: int = 256, on_batch: Callable[[], None] = ignore_batch, task: Task | None = None
) -> Scores:
    """Return the task's metrics (classification's unless given) for each image of the split, computed in float64."""
    outputs = predict(module, split, batch, on_batch).double()
    return Scores((task or TASKS[DEFAULT_TASK]).score(outputs, split.labels.cpu()))
