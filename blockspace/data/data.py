"""A data set split into train, validation and test, and `load`, which reads one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import torch

from blockspace.data.data_spec import DataSpec, read_spec
from blockspace.data.decode import join_names
from blockspace.data.image_pool import ImagePool
from blockspace.data.images import LazyImages, Split, compute_statistics, join_splits
from blockspace.data.partition import partition_indices, reorder_keys
from blockspace.data.sources import DataSource, read_data_source
from blockspace.errors import error
from blockspace.formatting import count_noun

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
        """Return train and validation: all that a search may look at."""
        return self.train, self.val

    def final_split(self) -> tuple[Split, Split]:
        """Return train and validation together, and the test images, to be scored once by networks that are no longer chosen among."""
        return join_splits(self.train, self.val), self._test


def load(spec: str | Mapping[str, Any] | DataSpec, resplit: int | None = None) -> Data:
    """Read a data set and return it: `digits`, `{name: fashion_mnist, train: 5000}`, `{folder: my/images, size: 32}`.

    With a seed `resplit` what is not test is cut into train and validation once more, at the same sizes but in another order; a validation
    part that the data brings stays as it is. Nothing is downloaded unless the spec says `download: true`. Raises BlockspaceError: E-DATA
    for what is missing or unreadable, E-LABEL for labels outside the classes, E-KEY and E-TYPE for wrong options.
    """
    spec = read_spec(spec)
    source, pools = open_source(spec)
    data = assemble_data(source, pools)
    return data if resplit is None or "val" in source.pools else resplit_data(data, pools, resplit)


def open_source(spec: DataSpec) -> tuple[DataSource, dict[str, ImagePool]]:
    """Return the source, its labels checked, and train, val and test as the spec asks for them."""
    source = read_data_source(spec)
    for name, pool in source.pools.items():
        check_labels(pool.labels, len(source.classes), f"{source.name} {name}")
    return source, divide_source(source, spec)


def assemble_data(source: DataSource, pools: dict[str, ImagePool]) -> Data:
    """Return parts as splits, normalised by the statistics of train."""
    mean, std = compute_statistics(pools["train"].images)
    splits = {name: Split(pool.images, torch.tensor(pool.labels), len(source.classes), mean, std) for name, pool in pools.items()}
    counts = {name: len(pools[name]) for name in PARTS} | {"doubles": count_leaked(pools)}
    digest = compute_digest(source, pools)
    return Data(source.name, source.classes, source.shape, splits["train"], splits["val"], digest, counts, splits["test"])


def resplit_data(data: Data, pools: dict[str, ImagePool], seed: int) -> Data:
    """Return the data with its train and validation images cut anew, stratified and with equal images together, in an order of the seed.

    Test images, digest and normalisation stay: what is known of the data holds for every cut.
    """
    both = join_splits(data.train, data.val)
    labels = [*pools["train"].labels, *pools["val"].labels]
    joined = ImagePool(both.images, labels, reorder_keys([*pools["train"].keys, *pools["val"].keys], seed))
    cut = partition_indices(joined.keys, labels, {"val": len(data.val), "train": None})
    parts = {name: joined.take(indices) for name, indices in cut.items()}
    splits = {name: replace(both, images=pool.images, labels=torch.tensor(pool.labels)) for name, pool in parts.items()}
    return replace(data, train=splits["train"], val=splits["val"], counts=data.counts | {name: len(splits[name]) for name in splits})


def divide_source(source: DataSource, spec: DataSpec) -> dict[str, ImagePool]:
    """Return train, val and test at their sizes: parts the source does not have are cut out of its train part."""
    asked = {name: getattr(spec, name) for name in PARTS}
    given = {name: pool for name, pool in source.pools.items() if name != "train"}
    kept = {name: pool.take(partition_indices(pool.keys, pool.labels, {name: asked[name]})[name]) for name, pool in given.items()}
    sizes = {name: asked[name] or source.sizes.get(name) for name in PARTS if name not in given}
    last = sorted(sizes, key=lambda name: sizes[name] is None)  # the one that takes the rest
    pool = source.pools["train"]
    cut = partition_indices(pool.keys, pool.labels, {name: sizes[name] for name in last})
    check_cut(cut, pool, source)
    return {name: pool.take(indices) for name, indices in cut.items()} | kept


def check_cut(cut: Mapping[str, numpy.ndarray], pool: ImagePool, source: DataSource) -> None:
    """Check that each part has an image, and that copies leave train two classes. Raises BlockspaceError (E-DATA)."""
    labels = numpy.asarray(pool.labels)
    empty = [name for name, indices in cut.items() if not len(indices)]
    alone = len(set(labels[cut["train"]].tolist())) < 2 <= len(set(pool.labels))
    copies = describe_copies(pool, source.classes)
    if empty or (alone and copies):
        what = f"no image is left for {' and '.join(empty)}" if empty else "train is left with one class"
        help = "copies of one image are never in two parts: remove them, or make the parts yourself, as folders or by train, val and test"
        why = copies or f"{count_noun(len(pool), 'image is', 'images are')} too few to be divided by class into {', '.join(cut)}"
        raise error("E-DATA", f"{source.name}: {why}; {what}", help=help if copies else "add images, or ask for fewer in the other parts")


def describe_copies(pool: ImagePool, classes: tuple[str, ...]) -> str:
    """Return which classes consist of copies of one image, as `20 of 20 images of cat are copies of one image`; empty for none."""
    keys: dict[int, list[bytes]] = {}
    for key, label in zip(pool.keys, pool.labels):
        keys.setdefault(label, []).append(key)
    alike = [label for label, found in sorted(keys.items()) if len(found) > 1 and len(set(found)) == 1]
    counts = [f"{len(keys[label]):,} of {len(keys[label]):,} images of {classes[label]}" for label in alike]
    if not counts:
        return ""
    same = len({keys[label][0] for label in alike}) == 1
    return f"{join_names(counts)} are copies of one image{'' if same else ' each'}"


def check_labels(labels: list[int], classes: int, where: str) -> None:
    """Check that labels are 0..classes-1: torch trains on others silently (-100 makes a loss that is not a number), or stops in the middle.

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


def count_leaked(pools: dict[str, ImagePool]) -> int:
    """Return how many test images also occur in train or val."""
    seen = {*pools["train"].keys, *pools["val"].keys}
    return sum(key in seen for key in pools["test"].keys)


def compute_digest(source: DataSource, pools: dict[str, ImagePool]) -> str:
    """Return the SHA-256 of names, shape, labels and images.

    Of images the pixels are hashed, of a folder the files' hashes, so that memory makes no difference; these depend on how a file is
    decoded only where that changes its pixels.
    """
    total = hashlib.sha256(repr((source.name, source.classes, source.shape)).encode())
    for name in PARTS:
        pool = pools[name]
        total.update(f"{name}:{len(pool)}:{pool.labels}".encode())
        if source.by_file or isinstance(pool.images, LazyImages):
            total.update(b"".join(pool.contents or pool.keys))
        else:
            total.update(pool.images.contiguous().numpy().data.cast("B"))
    return total.hexdigest()
