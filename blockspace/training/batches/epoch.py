"""Batches: an epoch of a split, shuffled, augmented and mixed a whole batch at a time.

There is no per-sample collate: images in memory are sliced by index tensors, which costs a tenth of a DataLoader. The order and the random
choices of an epoch are a function of (seed, epoch) alone and are drawn before anything is loaded, so a resumed training sees what an
uninterrupted one sees, whoever loads the images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from blockspace.data import Split
from blockspace.training.batches.changes import Changes
from blockspace.training.batches.mixing import Mixing
from blockspace.training.recipe import Recipe

ALL = (0, 1)  # share 0 of 1


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed out of several numbers or words; near inputs give unrelated seeds."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


class Plan(NamedTuple):
    """One batch before it is loaded: which images, what was drawn for their changes, and how they are mixed."""

    chunk: Tensor
    drawn: list[Tensor]
    mixed: tuple[int, int] | None

    def of(self, rank: int, ranks: int) -> Plan:
        """The part of one device: every `ranks`-th image."""
        return Plan(self.chunk[rank::ranks], [values[rank::ranks] for values in self.drawn], self.mixed)


class Batches:
    """Training batches `(images, labels)`: float32 `(B, C, H, W)`, normalised, and int64 `(B,)`, or where they are mixed float32
    `(B, classes)`. Set `epoch` before iterating, and `share` (rank, ranks) where several devices divide each batch.

    Every epoch is a new permutation; the last, smaller batch is left out, unless the split is smaller than one batch.
    Raises BlockspaceError (E-TYPE) for an augmentation that cannot be applied to these images.
    """

    def __init__(self, split: Split, recipe: Recipe, seed: int, workers: int | None = None):
        self.split, self.size, self.seed = split, min(recipe.batch, len(split)), seed
        self.changes, self.mixing = Changes(recipe.augment), Mixing(recipe, split.n_classes)
        if recipe.augment:
            self.changes.check(split.images[torch.zeros(1, dtype=torch.int64)][0])
        self.epoch, self.share = 0, ALL
        self.loader = None if workers is None else loader(Changed(split, self.changes), Epoch(self), workers)

    def __len__(self) -> int:
        return len(self.split) // self.size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for plan, raw in self.raw():
            labels = self.split.labels[plan.chunk.to(self.split.labels.device)]
            yield self.mixing.apply(self.split.normalized(raw), labels, plan.mixed)

    def plans(self) -> list[Plan]:
        """The epoch's batches."""
        random = torch.Generator().manual_seed(seed_of("batches", self.seed, self.epoch))
        chunks = torch.randperm(len(self.split), generator=random).split(self.size)[: len(self)]
        drawn = [(chunk, self.changes.draw(len(chunk), random), self.mixing.draw(random)) for chunk in chunks]
        return [Plan(*one).of(*self.share) for one in drawn]

    def raw(self) -> Iterator[tuple[Plan, Tensor]]:
        """Each plan with its raw images, loaded and changed here or by the DataLoader's processes."""
        plans = self.plans()
        if self.loader is not None:
            yield from zip(plans, self.loader, strict=True)
        else:
            for plan in plans:
                yield plan, self.changes.apply(self.split.images[plan.chunk], plan.drawn)


class Changed(Dataset):
    """What a DataLoader's process does with a plan: load, and change."""

    def __init__(self, split: Split, changes: Changes):
        self.images, self.changes = split.images, changes

    def __getitem__(self, plan: Plan) -> Tensor:
        return self.changes.apply(self.images[plan.chunk], plan.drawn)


class Epoch:
    """The sampler of a DataLoader that outlives an epoch: the plans of the batches' present one."""

    def __init__(self, batches: Batches):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Plan]:
        return iter(self.batches.plans())


def loader(dataset: Dataset, sampler: Epoch, workers: int) -> DataLoader:
    """A DataLoader of whole batches; its processes live as long as the training. Its own generator leaves torch's global one alone."""
    return DataLoader(
        dataset, batch_size=None, sampler=sampler, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(), generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


class InOrder:
    """Evaluation batches: the whole split in its own order, no augmentation, up to `batch` images each. `share` as of `Batches`."""

    def __init__(self, split: Split, batch: int = 256):
        self.split, self.size, self.share = split, batch, ALL

    def __len__(self) -> int:
        return -(-len(self.split) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rank, ranks = self.share
        chunks = [chunk[rank::ranks] for chunk in torch.arange(len(self.split)).split(self.size) if len(chunk) > rank]
        for chunk, raw in zip(chunks, self.split.raw(chunks), strict=True):
            yield self.split.normalized(raw), self.split.labels[chunk]
