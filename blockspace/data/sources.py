"""Where images come from: the sets known by name, folders, the user's own functions. Each reader gives a Source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import torch

from blockspace.data import folder, own, torchvision_sets
from blockspace.data.catalogue import DataSpec, describe, find
from blockspace.data.decode import unreadable
from blockspace.data.images import resized
from blockspace.data.known import KNOWN
from blockspace.data.partition import content_keys
from blockspace.data.pool import Pool, fits, of_arrays, of_files, of_items
from blockspace.data.scan import scan
from blockspace.errors import error

SKIPPED = 0.001  # the share of files that `on_bad_sample: skip` may leave out
CLOTHES = ("t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@dataclass(frozen=True, eq=False)
class Source:
    """What a reader found: pools by part ("train" always; val and test where they are given) and the usual sizes of parts to be cut.

    `skipped` are the files that were left out because they cannot be read, each with the reason.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    pools: dict[str, Pool]
    sizes: dict[str, int | None]
    by_file: bool = False  # keys are hashes of files, and stand for the pixels in the digest
    skipped: dict[str, str] = field(default_factory=dict)


def read(spec: DataSpec) -> Source:
    """The source that a spec names. Raises BlockspaceError (E-DATA) for what is missing or unreadable."""
    if spec.folder is not None:
        return read_folder(spec)
    if spec.python is not None:
        return read_own(spec)
    return READERS.get(str(spec.name), read_known)(spec)


def usual(count: int, val: int | None = None, train: int | None = None) -> dict[str, int | None]:
    """Sizes of parts that have to be cut out of `count` images: a tenth for val, a fifth for test."""
    return {"train": train, "val": val or max(1, count // 10), "test": max(1, count // 5)}


def read_digits(spec: DataSpec) -> Source:
    """1,797 handwritten digits, 8x8 in 17 levels (scikit-learn; Alpaydin & Kaynak 1998), enlarged to 16x16 in 0..255.

    At 16x16 each pixel is a sum of sixteenths of whole levels, so the bytes are the same on every machine.
    """
    from sklearn.datasets import load_digits

    found, known = load_digits(), KNOWN["digits"]
    levels = found.images.astype(numpy.float32)[:, None]
    large = resized(torch.from_numpy(levels), spec.size or known.shape[1])
    images = large.mul(16).round_().clamp_(0, 255).to(torch.uint8)
    if spec.channels == 3:
        images = images.repeat(1, 3, 1, 1)
    pool = Pool(images, found.target.tolist(), content_keys(levels.astype(numpy.uint8), spec.seed))
    shape = describe(spec).input_shape
    return Source("digits", tuple("0123456789"), shape, {"train": pool}, {"train": known.train, "val": known.val})


def read_fashion_mnist(spec: DataSpec) -> Source:
    """Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images of 28x28 in four idx files, gzipped or not."""
    place = torchvision_sets.found(spec).marker.parent
    pools = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = (torchvision_sets.read_idx(place, f"{prefix}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        if images.ndim != 3 or labels.shape != (len(images),):
            raise error("E-DATA", f"{place}: {prefix} has images of shape {images.shape} and labels of shape {labels.shape}")
        pools[part] = of_arrays(images[:, None], labels.tolist(), spec)
    return known_source(spec, CLOTHES, pools)


def read_known(spec: DataSpec) -> Source:
    """Any other set of the catalogue, through torchvision's class."""
    found = torchvision_sets.read(spec)
    classes, shape = found["train"].classes, describe(spec).input_shape
    if KNOWN[str(spec.name)].holds == "files":
        return files_source(spec, str(spec.name), classes, {name: (one.items, one.labels) for name, one in found.items()}, shape)
    if KNOWN[str(spec.name)].holds == "arrays":
        pools = {name: of_arrays(one.items, one.labels, spec) for name, one in found.items()}
    else:
        place = find(spec)
        lazy = not fits(sum(map(len, found.values())), shape)
        pools = {name: of_items(one.items, one.labels, shape, spec, lazy, place and place.marker / name) for name, one in found.items()}
    return known_source(spec, classes, pools)


def known_source(spec: DataSpec, classes: tuple[str, ...], pools: dict[str, Pool]) -> Source:
    """A Source of the catalogue, with its usual split sizes."""
    known = KNOWN[str(spec.name)]
    channels, height, width = pools["train"].images.shape[1:]
    return Source(str(spec.name), classes, (channels, height, width), pools, usual(len(pools["train"]), known.val, known.train))


def read_folder(spec: DataSpec) -> Source:
    """Images in class folders."""
    found = folder.scan(str(spec.folder))
    parts = {("train" if part == "all" else part): (files, found.labels[part]) for part, files in found.files.items()}
    return files_source(spec, found.root.name, found.classes, parts, folder.shape(found, spec.size, spec.channels))


def files_source(
    spec: DataSpec, name: str, classes: tuple[str, ...], parts: Mapping[str, tuple[list[Path], list[int]]], shape: tuple[int, int, int]
) -> Source:  # fmt: skip
    """Image files with their labels, looked at once; held decoded when all of them fit into memory, else decoded when used."""
    seen = scan([path for files, _ in parts.values() for path in files])
    hashes, faults = iter(seen.hashes), iter(seen.faults)
    whole: dict[str, list[tuple[Path, int, bytes]]] = {}
    bad: dict[str, str] = {}
    lazy = not fits(len(seen.hashes), shape)
    for part, (files, labels) in parts.items():
        found = list(zip(files, labels, hashes, faults))
        bad |= {str(path): fault for path, _, _, fault in found if fault}
        whole[part] = [(path, label, key) for path, label, key, fault in found if not fault]
    refuse_bad(bad, len(seen.hashes), spec)
    made = {}
    for part, rows in whole.items():
        if not rows:
            raise error("E-DATA", f"{name}: {part} has no image that can be read", help="repair them, or leave the part out")
        paths, labels, keys = ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
        made[part] = of_files(paths, labels, keys, shape, spec, lazy)
    known = KNOWN.get(str(spec.name))
    sizes = usual(len(made["train"]), known.val if known else None)
    return Source(name, classes, shape, made, sizes, by_file=True, skipped=bad)


def refuse_bad(bad: Mapping[str, str], total: int, spec: DataSpec) -> None:
    """Files that cannot be read stop everything, unless few enough may be skipped. Raises BlockspaceError (E-DATA)."""
    if not bad:
        return
    if spec.on_bad_sample == "fail":
        raise unreadable(bad)
    if len(bad) > SKIPPED * total:
        raise unreadable(bad, f"on_bad_sample: skip leaves out up to {SKIPPED:.1%} of {total:,} files; repair or remove them")


def read_own(spec: DataSpec) -> Source:
    """What the user's function returns."""
    made, shape = own.made(str(spec.python), spec.options), describe(spec).input_shape
    lazy = not fits(sum(map(len, made.parts.values())), shape)
    pools = {}
    for name, part in made.parts.items():
        if part.is_array:
            pools[name] = of_arrays(part.items, part.labels, spec)
        else:
            pools[name] = of_items(part.items, part.labels, shape, spec, lazy)
        if tuple(pools[name].images.shape[1:]) != shape:
            raise error("E-DATA", f"{spec.python}: {name} has images of shape {tuple(pools[name].images.shape[1:])}, train of {shape}")
    return Source(str(spec.python), made.classes, shape, pools, usual(len(pools["train"])))


READERS: dict[str, Callable[[DataSpec], Source]] = {"digits": read_digits, "fashion_mnist": read_fashion_mnist}
