"""Read images from named sets, folders or the user's functions; each reader returns a DataSource."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy
import torch

from blockspace.data.custom import load_custom
from blockspace.data.data_spec import DataSpec, describe, find_place
from blockspace.data.decode import join_names, make_unreadable_error
from blockspace.data.decoding import Shape, choose_decoding
from blockspace.data.image_folder import find_images
from blockspace.data.image_pool import FileRow, ImagePool, fits_in_memory, pool_arrays, pool_files, pool_items
from blockspace.data.image_shape import decide_shape, describe_decoding
from blockspace.data.images import resize_images
from blockspace.data.named_datasets import DATASETS
from blockspace.data.partition import hash_contents
from blockspace.data.scan import scan_files
from blockspace.data.torchvision_sets import find_or_download, read_idx, read_torchvision_set
from blockspace.errors import error
from blockspace.inputs import expand_path

CLOTHES = ("t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@dataclass(frozen=True, eq=False)
class DataSource:
    """The result of a reader: pools by part ("train" always; val and test where they are given) and the usual sizes of parts to be cut.

    `skipped` are the files below the data's folder that were left out because they cannot be read, each with the reason; `remarks` lines on
    what else was left out, and on what was decided.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    pools: dict[str, ImagePool]
    sizes: dict[str, int | None]
    by_file: bool = False  # keys are hashes of files, and stand for the pixels in the digest
    skipped: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read_data_source(spec: DataSpec) -> DataSource:
    """Return the source that a spec names. Raises BlockspaceError (E-DATA) for what is missing or unreadable."""
    if spec.folder is not None:
        return read_folder(spec)
    if spec.python is not None:
        return read_custom(spec)
    return READERS.get(str(spec.name), read_named)(spec)


def usual_sizes(count: int, val: int | None = None, train: int | None = None) -> dict[str, int | None]:
    """Return the sizes of parts that have to be cut out of `count` images: a tenth for val, a fifth for test."""
    return {"train": train, "val": val or max(1, count // 10), "test": max(1, count // 5)}


def read_digits(spec: DataSpec) -> DataSource:
    """Return 1,797 handwritten digits, 8x8 in 17 levels (scikit-learn; Alpaydin & Kaynak 1998), enlarged to 16x16 in 0..255.

    At 16x16 each pixel is a sum of sixteenths of whole levels, so the bytes are the same on every machine.
    """
    from sklearn.datasets import load_digits

    found, known = load_digits(), DATASETS["digits"]
    levels = found.images.astype(numpy.float32)[:, None]
    large = resize_images(torch.from_numpy(levels), spec.size or known.shape[1])
    images = large.mul(16).round_().clamp_(0, 255).to(torch.uint8)
    if spec.channels == 3:
        images = images.repeat(1, 3, 1, 1)
    pool = ImagePool(images, found.target.tolist(), hash_contents(levels.astype(numpy.uint8), spec.seed))
    shape = describe(spec).input_shape
    return DataSource("digits", tuple("0123456789"), shape, {"train": pool}, {"train": known.train, "val": known.val})


def read_fashion_mnist(spec: DataSpec) -> DataSource:
    """Return Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images of 28x28 in four idx files, gzipped or not."""
    place = find_or_download(spec).marker.parent
    pools = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = (read_idx(place, f"{prefix}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        if images.ndim != 3 or labels.shape != (len(images),):
            raise error("E-DATA", f"{place}: {prefix} has images of shape {images.shape} and labels of shape {labels.shape}")
        pools[part] = pool_arrays(images[:, None], labels.tolist(), spec)
    return make_named_source(spec, CLOTHES, pools)


def read_named(spec: DataSpec) -> DataSource:
    """Return any other named set, read by torchvision's class."""
    found = read_torchvision_set(spec)
    classes, shape = found["train"].classes, describe(spec).input_shape
    if DATASETS[str(spec.name)].holds == "files":
        return make_files_source(spec, str(spec.name), classes, {name: (one.items, one.labels) for name, one in found.items()}, shape)
    if DATASETS[str(spec.name)].holds == "arrays":
        pools = {name: pool_arrays(one.items, one.labels, spec) for name, one in found.items()}
    else:
        place = find_place(spec)
        lazy = not fits_in_memory(sum(map(len, found.values())), shape)
        decoding = choose_decoding(shape, [], spec.fit, spec.alpha, spec.levels)
        cached = {name: place and place.marker / name for name in found}
        pools = {name: pool_items(one.items, one.labels, decoding, spec, lazy, cached[name]) for name, one in found.items()}
    return make_named_source(spec, classes, pools)


def make_named_source(spec: DataSpec, classes: tuple[str, ...], pools: dict[str, ImagePool]) -> DataSource:
    """Return the source of a named set, with its usual split sizes."""
    known = DATASETS[str(spec.name)]
    channels, height, width = pools["train"].images.shape[1:]
    return DataSource(str(spec.name), classes, (channels, height, width), pools, usual_sizes(len(pools["train"]), known.val, known.train))


def read_folder(spec: DataSpec) -> DataSource:
    """Return images in class folders."""
    found = find_images(str(spec.folder), spec.layout)
    parts = {("train" if part == "all" else part): (files, found.labels[part]) for part, files in found.files.items()}
    source = make_files_source(spec, found.root.name, found.classes, parts)
    return replace(source, remarks=(*found.remarks, *source.remarks))


def make_files_source(
    spec: DataSpec, name: str, classes: tuple[str, ...], parts: Mapping[str, tuple[list[Path], list[int]]], shape: Shape | None = None
) -> DataSource:  # fmt: skip
    """Return image files with their labels, scanned once; held decoded when all of them fit into memory, else decoded when used.

    Without a shape, the spec and the images decide it.
    """
    files = [path for paths, _ in parts.values() for path in paths]
    labels = [label for _, given in parts.values() for label in given]
    seen = scan_files(files)
    bad = {str(path): fault for path, fault in zip(files, seen.faults) if fault}
    indices = iter(range(len(files)))
    whole = {part: [i for i in islice(indices, len(paths)) if not seen.faults[i]] for part, (paths, _) in parts.items()}
    check_bad_files(bad, len(files), spec, [part for part, found in whole.items() if not found])
    facts = seen.good_facts()
    shape = shape or decide_shape(facts, spec.size, spec.channels)
    decoding = choose_decoding(shape, facts, spec.fit, spec.alpha, spec.levels)
    contents = [identify_content(key, decoding.name_changes(one)) for key, one in zip(seen.hashes, seen.facts)]
    root = expand_path(spec.folder) if spec.folder else Path(os.path.commonpath([path.parent for path in files]))
    names = [Path(os.path.relpath(path, root)).as_posix() for path in files]
    rows = list(map(FileRow, files, names, labels, contents, seen.shows))
    lazy = not fits_in_memory(len(files), shape)
    made = {part: pool_files([rows[i] for i in found], seen.thumbnails[found], decoding, spec, lazy) for part, found in whole.items()}
    known = DATASETS.get(str(spec.name))
    sizes = usual_sizes(len(made["train"]), known.val if known else None)
    remarks = tuple(describe_decoding(facts, decoding, spec.alpha, not (spec.size or known), not (spec.channels or known)))
    skipped = {below: fault for below, fault in zip(names, seen.faults) if fault}
    return DataSource(name, classes, shape, made, sizes, by_file=True, skipped=skipped, remarks=remarks)


def identify_content(key: bytes, changes: str) -> bytes:
    """Return the hash of a file as it is decoded: that of its bytes, unless its pixels are other than those of decoding 1."""
    return hashlib.blake2b(key + changes.encode(), digest_size=16).digest() if changes else key


def check_bad_files(bad: Mapping[str, str], total: int, spec: DataSpec, lost: Sequence[str] = ()) -> None:
    """Check that all of `total` files can be read, or that few enough are skipped, and none of the parts is `lost`.

    Raises BlockspaceError (E-DATA).
    """
    if not bad:
        return
    if lost:
        help = f"repair or remove them: no image of {join_names(lost)} can be read"
        raise make_unreadable_error(bad, help)
    enough = len(bad) <= max(1, int(spec.bad_share * total + 1e-6))
    if spec.on_bad_sample == "skip" and enough:
        return
    share = "" if enough else f"bad_share: {-(-100 * len(bad) // total)}%"
    if spec.on_bad_sample == "fail":
        raise make_unreadable_error(bad, f"repair or remove them, or set on_bad_sample: skip{share and ' and ' + share}")
    help = f"on_bad_sample: skip leaves out up to {spec.bad_share:.4g} of {total:,} images; repair or remove them, or set {share}"
    raise make_unreadable_error(bad, help)


def read_custom(spec: DataSpec) -> DataSource:
    """Return the data of the user's function."""
    made, shape = load_custom(str(spec.python), spec.options), describe(spec).input_shape
    lazy = not fits_in_memory(sum(map(len, made.parts.values())), shape)
    facts = made.list_facts()
    decoding = choose_decoding(shape, facts, spec.fit, spec.alpha, spec.levels)
    pools = {}
    for name, part in made.parts.items():
        if part.is_array:
            pools[name] = pool_arrays(part.items, part.labels, spec, shape[0])
        else:
            pools[name] = pool_items(part.items, part.labels, decoding, spec, lazy)
        if (given := tuple(pools[name].images.shape[1:])) != shape:
            help = "data.size brings all parts to one size"
            raise error("E-DATA", f"{spec.python}: {name} has images of shape {given}, most of the others of {shape}", help=help)
    remarks = tuple(describe_decoding(facts, decoding, spec.alpha, not spec.size, not spec.channels))
    return DataSource(str(spec.python), made.classes, shape, pools, usual_sizes(len(pools["train"])), remarks=remarks)


READERS: dict[str, Callable[[DataSpec], DataSource]] = {"digits": read_digits, "fashion_mnist": read_fashion_mnist}
