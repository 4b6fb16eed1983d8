"""Loading: where a training's batches are made - here, from memory, or by the processes of a DataLoader."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from blockspace.data import Split
from blockspace.training.recipe import Recipe

GPU_SHARE = 0.25  # of the free memory of a GPU that images may take
MOST_WORKERS = 16


def placed(split: Split, recipe: Recipe, device: torch.device) -> tuple[Split, int | None]:
    """The split where its batches are made from, and how many processes a DataLoader has (None: there is no DataLoader).

    Images in memory go to the device once, unless they would take more than a quarter of a GPU; files are decoded by a DataLoader, in each
    epoch anew. `loader: memory` and `loader: workers` overrule that.
    """
    in_memory = isinstance(split.images, Tensor)
    if recipe.loader == "memory" or (recipe.loader == "auto" and in_memory and fits(split.images, device)):
        return (split if in_memory else decoded(split)).to(device), None
    return split, workers(split, recipe)


def fits(images: Tensor, device: torch.device) -> bool:
    """Whether images are small against the device's free memory; a CPU holds them already."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return math.prod(images.shape) * images.element_size() <= GPU_SHARE * free


def decoded(split: Split) -> Split:
    """The split with all of its files decoded."""
    return replace(split, images=split.images[torch.arange(len(split))])


def workers(split: Split, recipe: Recipe) -> int:
    """Processes of the DataLoader: the recipe's, else the data's, else one less than torch's threads."""
    if recipe.workers is not None:
        return recipe.workers
    return getattr(split.images, "workers", 0) or min(MOST_WORKERS, torch.get_num_threads() - 1)
