"""Batches of a split: for training shuffled, augmented and mixed a whole batch at a time, for validation in order.

There is no per-sample collate: images in memory are sliced by index tensors, which costs a tenth of a DataLoader. The order and the random
choices of an epoch are a function of (seed, epoch) alone and are drawn before anything is loaded, so a resumed training sees what an
uninterrupted one sees, whether this process or those of a DataLoader load the images.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from blockspace.data import GuardedImages, Split, iterate_images
from blockspace.training.batches.transforms import BatchMixing, BatchTransforms
from blockspace.training.recipe import Recipe

ALL = (0, 1)  # share 0 of 1
GPU_SHARE = 0.25  # of the free memory of a GPU that images may take
MOST_WORKERS = 16


def derive_loader_seed(*parts: int | str) -> int:
    """Return a 63-bit seed made of several numbers or words; near inputs give unrelated seeds."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big") >> 1


class BatchPlan(NamedTuple):
    """One batch before it is loaded: the images' indices, what was drawn for their transforms, and how they are mixed."""

    indices: Tensor
    drawn: list[Tensor]
    mixed: tuple[int, int] | None

    def take_share(self, rank: int, ranks: int) -> BatchPlan:
        """Return the part of one device: every `ranks`-th image."""
        return BatchPlan(self.indices[rank::ranks], [values[rank::ranks] for values in self.drawn], self.mixed)


class Batches:
    """Training batches `(images, targets)`: normalised float32 `(B, C, H, W)`, and the split's labels `(B,)`, or mixed ones `(B, classes)`.

    Set `epoch` before iterating, and `share` (rank, ranks) where several devices divide each batch.

    Every epoch is a new permutation; the last, smaller batch is left out, unless the split is smaller than one batch.
    Raises BlockspaceError (E-TYPE) for an augmentation that cannot be applied to these images.
    """

    def __init__(self, split: Split, recipe: Recipe, seed: int, workers: int | None = None):
        self.split, self.size, self.seed = split, min(recipe.batch, len(split)), seed
        self.transforms, self.mixing = BatchTransforms(recipe.augment), BatchMixing(recipe, split.n_classes)
        if recipe.augment:
            self.transforms.check(split.images[torch.zeros(1, dtype=torch.int64)][0])
        self.epoch, self.share = 0, ALL
        self.loader = None
        if workers is not None:
            self.loader = make_data_loader(TransformedImages(split, self.transforms), EpochSampler(self), workers)

    def __len__(self) -> int:
        return len(self.split) // self.size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for plan, raw in self.load_raw():
            targets = self.split.labels[plan.indices.to(self.split.labels.device)]
            yield self.mixing.apply(self.split.normalized(raw), targets, plan.mixed)

    def draw_plans(self) -> list[BatchPlan]:
        """Return the epoch's batches, drawn but not loaded."""
        random = torch.Generator().manual_seed(derive_loader_seed("batches", self.seed, self.epoch))
        chunks = torch.split(torch.randperm(len(self.split), generator=random), self.size)[: len(self)]
        drawn = [BatchPlan(chunk, self.transforms.draw(len(chunk), random), self.mixing.draw(random)) for chunk in chunks]
        return [plan.take_share(*self.share) for plan in drawn]

    def load_raw(self) -> Iterator[tuple[BatchPlan, Tensor]]:
        """Yield each plan with its raw images, loaded and transformed here or by the DataLoader's processes."""
        plans = self.draw_plans()
        if self.loader is not None:
            yield from zip(plans, iterate_images(self.loader), strict=True)
        else:
            for plan in plans:
                yield plan, self.transforms.apply(self.split.images[plan.indices], plan.drawn)


class TransformedImages(Dataset[Tensor]):
    """A map-style data set from a plan to its images, loaded and transformed; for a DataLoader's processes."""

    def __init__(self, split: Split, transforms: BatchTransforms):
        self.images, self.transforms = split.images, transforms

    def __getitem__(self, plan: BatchPlan) -> Tensor:
        return self.transforms.apply(self.images[plan.indices], plan.drawn)


class EpochSampler:
    """The sampler of a DataLoader that outlives an epoch: the plans of the batches' present one."""

    def __init__(self, batches: Batches):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[BatchPlan]:
        return iter(self.batches.draw_plans())


def make_data_loader(dataset: Dataset[Tensor], sampler: EpochSampler, workers: int) -> DataLoader[Tensor]:
    """Return a DataLoader of whole batches, whose processes live as long as the training.

    Its own generator leaves torch's global one alone.
    """
    return DataLoader(
        GuardedImages(dataset), batch_size=None, sampler=sampler, num_workers=workers, persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(), generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


class OrderedBatches:
    """Evaluation batches: the whole split in its own order, no augmentation, up to `batch` images each. `share` as of `Batches`."""

    def __init__(self, split: Split, batch: int = 256):
        self.split, self.size, self.share = split, batch, ALL

    def __len__(self) -> int:
        return -(-len(self.split) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rank, ranks = self.share
        chunks = [chunk[rank::ranks] for chunk in torch.split(torch.arange(len(self.split)), self.size) if len(chunk) > rank]
        for chunk, raw in zip(chunks, self.split.raw(chunks), strict=True):
            yield self.split.normalized(raw), self.split.labels[chunk]


def place_split(split: Split, recipe: Recipe, device: torch.device) -> tuple[Split, int | None]:
    """Return the split where its batches are made from, and the number of a DataLoader's processes (None: there is no DataLoader).

    Images in memory go to the device once, unless they would take more than a quarter of a GPU; files are decoded by a DataLoader, in each
    epoch anew. `loader: memory` and `loader: workers` overrule that.
    """
    images = split.images
    if recipe.loader == "memory" and not isinstance(images, Tensor):
        return replace(split, images=images[torch.arange(len(split))]).to(device), None
    if recipe.loader == "memory" or (recipe.loader == "auto" and isinstance(images, Tensor) and fits_on_device(images, device)):
        return split.to(device), None
    return split, count_workers(split, recipe)


def fits_on_device(images: Tensor, device: torch.device) -> bool:
    """Return whether images are small against the device's free memory; a CPU holds them already."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return math.prod(images.shape) * images.element_size() <= GPU_SHARE * free


def count_workers(split: Split, recipe: Recipe) -> int:
    """Return the number of a DataLoader's processes: the recipe's, else the data's, else one less than torch's threads."""
    if recipe.workers is not None:
        return recipe.workers
    return getattr(split.images, "workers", 0) or min(MOST_WORKERS, torch.get_num_threads() - 1)
