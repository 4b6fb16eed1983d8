"""Mixing: batches whose images are made of two, with labels in shares; torchvision's MixUp and CutMix with a seed of their own."""

from __future__ import annotations

import torch
from torch import Tensor

from blockspace.training.recipe import Recipe


class Mixing:
    """A recipe's `mixup` and `cutmix`: each batch is mixed in one of these ways, or in none."""

    def __init__(self, recipe: Recipe, classes: int):
        self.ways = [(share, made(name, getattr(recipe, name).alpha, classes))
                     for name, share in zip(("mixup", "cutmix"), recipe.mixing(), strict=True) if share > 0]  # fmt: skip

    def draw(self, random: torch.Generator) -> tuple[int, int] | None:
        """Which way and its seed, or None; nothing is drawn where nothing is mixed."""
        if not self.ways:
            return None
        place, seed = float(torch.rand((), generator=random)), int(torch.randint(2**62, (), generator=random))
        for way, (share, _) in enumerate(self.ways):
            if place < share:
                return way, seed
            place -= share
        return None

    def apply(self, images: Tensor, labels: Tensor, drawn: tuple[int, int] | None) -> tuple[Tensor, Tensor]:
        """Images `(B, C, H, W)` and labels: as they are, or mixed, with labels `(B, classes)` that add up to one."""
        if drawn is None:
            return images, labels
        way, seed = drawn
        with torch.random.fork_rng([images.device] if images.is_cuda else []):
            torch.manual_seed(seed)
            return self.ways[way][1](images, labels)


def made(name: str, alpha: float, classes: int):
    """torchvision's object for one of the recipe's keys."""
    from torchvision.transforms import v2

    return {"mixup": v2.MixUp, "cutmix": v2.CutMix}[name](alpha=alpha, num_classes=classes)
