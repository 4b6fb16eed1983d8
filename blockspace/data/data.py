"""Data: a data set split for searching and for the last word, and `load`, which reads one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from blockspace.data import sources
from blockspace.data.catalogue import DataSpec, read_spec
from blockspace.data.images import LazyImages, Split, joined, statistics
from blockspace.data.partition import partition
from blockspace.data.sources import Pool, Source
from blockspace.errors import error

PARTS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Data:
    """A data set: class names, `input_shape` `(C, H, W)`, and its parts.

    `digest` is a hash of every image, label and class name in each part. `counts` has the images of each part, and `doubles`: test images
    that also occur in train or val (none where the split is ours; where it was given, a fact about the data).
    """

    name: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    train: Split
    val: Split
    digest: str
    counts: dict[str, int]
    _test: Split = field(repr=False)

    def search_split(self) -> tuple[Split, Split]:
        """Train and validation: all that a search may look at."""
        return self.train, self.val

    def final_split(self) -> tuple[Split, Split]:
        """Train and validation together, and the test images, to be scored once by networks that are no longer chosen among."""
        return joined(self.train, self.val), self._test


def load(spec: str | Mapping[str, Any] | DataSpec) -> Data:
    """Read a data set: `digits`, `{name: fashion_mnist, train: 5000}`, `{folder: my/images, size: 32}`.

    Nothing is downloaded unless the spec says `download: true`. Raises BlockspaceError: E-DATA for what is missing or unreadable, E-LABEL
    for labels outside the classes, E-KEY and E-TYPE for wrong options.
    """
    spec = read_spec(spec)
    return assembled(*opened(spec))


def opened(spec: DataSpec) -> tuple[Source, dict[str, Pool]]:
    """The source, its labels checked, and train, val and test as the spec asks for them."""
    source = sources.read(spec)
    for name, pool in source.pools.items():
        check_labels(pool.labels, len(source.classes), f"{source.name} {name}")
    return source, divided(source, spec)


def assembled(source: Source, pools: dict[str, Pool]) -> Data:
    """Parts as splits, normalised by what train holds."""
    mean, std = statistics(pools["train"].images)
    splits = {name: Split(pool.images, torch.tensor(pool.labels), len(source.classes), mean, std) for name, pool in pools.items()}
    counts = {name: len(pools[name]) for name in PARTS} | {"doubles": doubles(pools)}
    digest = digest_of(source, pools)
    return Data(source.name, source.classes, source.shape, splits["train"], splits["val"], digest, counts, splits["test"])


def divided(source: Source, spec: DataSpec) -> dict[str, Pool]:
    """Train, val and test: parts the source does not have are cut out of its train part, and each is brought to the size asked for."""
    asked = {name: getattr(spec, name) for name in PARTS}
    given = {name: pool for name, pool in source.pools.items() if name != "train"}
    kept = {name: pool.take(partition(pool.keys, pool.labels, {name: asked[name]})[name]) for name, pool in given.items()}
    sizes = {name: asked[name] or source.sizes.get(name) for name in PARTS if name not in given}
    last = sorted(sizes, key=lambda name: sizes[name] is None)  # the one that takes the rest
    pool = source.pools["train"]
    cut = partition(pool.keys, pool.labels, {name: sizes[name] for name in last})
    return {name: pool.take(indices) for name, indices in cut.items()} | kept


def check_labels(labels: list[int], classes: int, where: str) -> None:
    """Labels are 0..classes-1: torch trains on others without a word (-100 makes a loss that is not a number), or stops in the middle.

    Raises BlockspaceError (E-LABEL).
    """
    outside = [label for label in labels if not 0 <= label < classes]
    if not outside:
        return
    message = f"{where}: labels run from {min(labels)} to {max(labels)}, expected 0 to {classes - 1} for {classes} classes"
    marks = sorted({label for label in outside if label in (-1, -100)})
    few = f"{len(outside):,} of {len(labels):,} images are outside"
    help = f"{few}; {' and '.join(map(str, marks))} usually marks unlabelled images: leave them out" if marks else few
    raise error("E-LABEL", message, help=help)


def doubles(pools: dict[str, Pool]) -> int:
    """Test images that also occur in train or val."""
    seen = {*pools["train"].keys, *pools["val"].keys}
    return sum(key in seen for key in pools["test"].keys)


def digest_of(source: Source, pools: dict[str, Pool]) -> str:
    """SHA-256 of names, shape, labels and images (the pixels; of a folder the files' hashes, so that memory makes no difference)."""
    total = hashlib.sha256(repr((source.name, source.classes, source.shape)).encode())
    for name in PARTS:
        pool = pools[name]
        total.update(f"{name}:{len(pool)}:{pool.labels}".encode())
        if source.by_file or isinstance(pool.images, LazyImages):
            total.update(b"".join(pool.keys))
        else:
            total.update(pool.images.contiguous().numpy().data.cast("B"))
    return total.hexdigest()
