"""Batches: an epoch of a split, shuffled and augmented a whole batch at a time.

There is no per-sample collate: images in memory are sliced by index tensors, which costs a tenth of a DataLoader. The order and the random
choices of an epoch are a function of (seed, epoch) alone, so a resumed training sees what an uninterrupted one sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor

from blockspace.train.images import Split
from blockspace.train.recipe import Crop, Flip


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed out of several numbers or words; near inputs give unrelated seeds."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


class Batches:
    """Training batches `(images, labels)`: float32 `(B, C, H, W)`, normalised, and int64 `(B,)`. Set `epoch` before iterating.

    Every epoch is a new permutation; the last, smaller batch is left out, unless the split is smaller than one batch.
    """

    def __init__(self, split: Split, batch: int, seed: int, augment: tuple[Crop | Flip, ...] = ()):
        self.split, self.size, self.seed, self.augment = split, min(batch, len(split)), seed, augment
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.split) // self.size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        random = torch.Generator().manual_seed(seed_of("batches", self.seed, self.epoch))
        chunks = torch.randperm(len(self.split), generator=random).split(self.size)[: len(self)]
        for chunk, raw in zip(chunks, self.split.raw(chunks), strict=True):
            for change in self.augment:
                raw = AUGMENT[type(change)](raw, change, random)
            yield self.split.normalized(raw), self.split.labels[chunk]


class InOrder:
    """Evaluation batches: the whole split in its own order, no augmentation, up to `batch` images each."""

    def __init__(self, split: Split, batch: int = 256):
        self.split, self.size = split, batch

    def __len__(self) -> int:
        return -(-len(self.split) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        chunks = torch.arange(len(self.split)).split(self.size)
        for chunk, raw in zip(chunks, self.split.raw(chunks), strict=True):
            yield self.split.normalized(raw), self.split.labels[chunk]


def crop(images: Tensor, settings: Crop, random: torch.Generator) -> Tensor:
    """Each image shifted by up to `padding` pixels each way, black coming in."""
    count, _, height, width = images.shape
    p = settings.padding
    padded = torch.nn.functional.pad(images, (p, p, p, p))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (B, C, 2p+1, 2p+1, H, W)
    y, x = torch.randint(0, 2 * p + 1, (2, count), generator=random).to(images.device)
    return windows[torch.arange(count, device=images.device), :, y, x]


def flip(images: Tensor, settings: Flip, random: torch.Generator) -> Tensor:
    """Each image mirrored left to right with probability `p`."""
    chosen = torch.rand(len(images), generator=random).lt(settings.p).to(images.device)
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images)


AUGMENT = {Crop: crop, Flip: flip}
