"""The named sets, read with torchvision's own classes: found, fetched only when that was asked for, and turned into images and labels.

Where a set lies in image files, its class is given a loader that hands back the path, so that listing it decodes nothing.
"""

from __future__ import annotations

import gzip
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from blockspace.data.catalogue import DataSpec, Place, download_root, find, missing
from blockspace.data.known import KNOWN, Known
from blockspace.data.pairs import Pictures
from blockspace.errors import BlockspaceError, error

FAKE = 1000  # images of FakeData unless parts are asked for


@dataclass(frozen=True, eq=False)
class Listed:
    """One part: an array `(N, C, H, W)`, file paths, or anything with `[i]`; labels from 0; class names."""

    items: Any
    labels: list[int]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def found(spec: DataSpec) -> Place:
    """Where a named set's files are; fetched first when they are nowhere and `download: true` was said. Raises BlockspaceError (E-DATA)."""
    known = KNOWN[str(spec.name)]
    place = find(spec)
    if place is None and spec.download and not known.by_hand:
        download(known, spec, download_root(spec))
        place = find(spec)
    if place is None:
        raise missing(spec)
    return place


def read(spec: DataSpec) -> dict[str, Listed]:
    """Every part that the set has. A damaged copy is fetched again when `download: true` was said. Raises BlockspaceError (E-DATA)."""
    known = KNOWN[str(spec.name)]
    if not known.markers:
        return {part: listed(known, opened(known, spec, None, part), spec) for part in known.parts}
    root = found(spec).root
    try:
        return {part: listed(known, opened(known, spec, root, part), spec) for part in known.parts}
    except BlockspaceError:
        if not spec.download or known.by_hand:
            raise
    download(known, spec, root)
    return {part: listed(known, opened(known, spec, root, part), spec) for part in known.parts}


def download(known: Known, spec: DataSpec, root: Path) -> None:
    """Fetch a data set with torchvision; only ever called on `download: true`. Raises BlockspaceError (E-DATA)."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part in known.parts:
            reader(known)(**arguments(known, spec, root, part) | {"download": True})
    except Exception as reason:  # whatever the network, the server or the disk came up with
        said = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        help = "is there a network? A copy can also be put there by hand"
        raise error("E-DATA", f"{spec.name} could not be downloaded to {root}: {said}", help=help) from reason


def reader(known: Known) -> Callable:
    """torchvision's class. Raises BlockspaceError (E-DATA) where the installed version does not have it."""
    import torchvision

    cls = getattr(torchvision.datasets, known.reader, None)
    if cls is None:
        raise error("E-DATA", f"torchvision {torchvision.__version__} has no {known.reader}", help="upgrade torchvision")
    return cls


def arguments(known: Known, spec: DataSpec, root: Path | None, part: str) -> dict[str, Any]:
    """What the class is constructed with for one part: never `download`, and a loader that hands back paths where there is a loader."""
    chosen: dict[str, Any] = dict(known.parts[part]) | known.chosen(spec.options)
    if root is None:
        shape = known.shape if spec.size is None else (known.shape[0], spec.size, spec.size)
        wanted = [size for size in (spec.train, spec.val, spec.test) if size is not None]
        return chosen | {"size": max(FAKE, 2 * sum(wanted)), "image_size": shape, "num_classes": known.classes}
    chosen["root"] = str(root)
    takes = inspect.signature(reader(known)).parameters
    if "download" in takes:
        chosen["download"] = False  # SEMEION's default is True
    if known.holds == "files" and ("loader" in takes or known.reader == "ImageNet"):
        chosen["loader"] = os.fspath
    return chosen


def opened(known: Known, spec: DataSpec, root: Path | None, part: str) -> Any:
    """torchvision's data set of one part. Raises BlockspaceError (E-DATA) with torchvision's words."""
    try:
        return reader(known)(**arguments(known, spec, root, part))
    except (RuntimeError, OSError, ValueError, KeyError, LookupError, ImportError) as reason:
        said = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        raise error("E-DATA", f"{known.reader} in {root} cannot be read: {said}", help="fetch it again, or set download: true") from reason


def listed(known: Known, dataset: Any, spec: DataSpec) -> Listed:
    """A data set's images and labels, as its row of the catalogue says it holds them."""
    items, labels = {"arrays": arrays, "files": files, "items": each}[known.holds](known, dataset)
    names = class_names(known, dataset, spec)
    shift = 1 if known.reader == "EMNIST" and min(labels) == 1 else known.first  # letters are numbered from 1
    return Listed(items, [label - shift for label in labels], names)


def class_names(known: Known, dataset: Any, spec: DataSpec) -> tuple[str, ...]:
    """The names of the classes: the set's own where it has as many as classes, else numbers."""
    attributes = ("classes", "categories", "_characters", "all_categories", "class_to_idx")
    own = next((list(getattr(dataset, name)) for name in attributes if getattr(dataset, name, None) is not None), [])
    own = [name for name in own if name != "N/A"]
    count = known.count(known.chosen(spec.options))
    if len(own) != count:
        return tuple(str(known.first + i) for i in range(count))
    return tuple(str(name[0] if isinstance(name, tuple) else name) for name in own)


def arrays(known: Known, dataset: Any) -> tuple[numpy.ndarray, list[int]]:
    """uint8 images `(N, C, H, W)` and labels of a set that torchvision reads into memory."""
    images = numpy.asarray(dataset.data)
    labels = numpy.asarray(dataset.targets if hasattr(dataset, "targets") else dataset.labels)
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[3] == 3:
        images = images.transpose(0, 3, 1, 2)
    return numpy.ascontiguousarray(images), (labels[:, 0] if labels.ndim == 2 else labels).astype(int).tolist()


def files(known: Known, dataset: Any) -> tuple[list[Path], list[int]]:
    """Paths and labels of a set of image files, in the order of the paths, whatever order the system lists them in."""
    pairs = FILES[known.reader](dataset) if known.reader in FILES else [dataset[i] for i in range(len(dataset))]
    pairs = sorted((str(path), int(label)) for path, label in pairs)
    return [Path(path) for path, _ in pairs], [label for _, label in pairs]


def caltech101(dataset: Any) -> list[tuple[str, int]]:
    folder = Path(dataset.root) / "101_ObjectCategories"
    return [(str(folder / dataset.categories[y] / f"image_{i:04d}.jpg"), y) for i, y in zip(dataset.index, dataset.y)]


def caltech256(dataset: Any) -> list[tuple[str, int]]:
    folder = Path(dataset.root) / "256_ObjectCategories"
    return [(str(folder / dataset.categories[y] / f"{y + 1:03d}_{i:04d}.jpg"), y) for i, y in zip(dataset.index, dataset.y)]


# classes that take no loader: where they keep their list
FILES: dict[str, Callable[[Any], list]] = {
    "Caltech101": caltech101,
    "Caltech256": caltech256,
    "GTSRB": lambda dataset: dataset._samples,
    "OxfordIIITPet": lambda dataset: list(zip(dataset._images, dataset._labels)),
}


def each(known: Known, dataset: Any) -> tuple[Pictures, list[int]]:
    """Images behind `dataset[i]`, and labels. Raises BlockspaceError (E-DATA) for a copy without labels."""
    labels = LABELS.get(known.reader, one_by_one)(dataset)
    if any(label is None for label in labels):
        raise error("E-DATA", f"{known.reader}: this copy has no labels in one of its parts", help=known.by_hand or None)
    return Pictures(dataset), [int(label) for label in labels]


def one_by_one(dataset: Any) -> list:
    return [dataset[i][1] for i in range(len(dataset))]


def pcam(dataset: Any) -> list[int]:
    """All labels in one read: the class opens its file anew for each."""
    with dataset.h5py.File(dataset._base_folder / dataset._FILES[dataset._split]["targets"][0]) as file:
        return file["y"][:, 0, 0, 0].tolist()


LABELS: dict[str, Callable[[Any], list]] = {"PCAM": pcam}


def idx_file(place: Path, name: str) -> Path | None:
    """The file, plain or gzipped."""
    return next((path for path in (place / name, place / f"{name}.gz") if path.is_file()), None)


def read_idx(place: Path, name: str) -> numpy.ndarray:
    """An idx file of unsigned bytes: magic 0x000008NN with NN dimensions, each a big-endian uint32, then the values."""
    path = idx_file(place, name)
    if path is None:
        raise error("E-DATA", f"{place / name} is missing", help="the data set has four files; copy them all")
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read()
        dimensions = content[3] if content[:3] == b"\x00\x00\x08" else 0
        shape = tuple(numpy.frombuffer(content, ">u4", dimensions, 4).tolist())
        return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
    except (OSError, EOFError, IndexError, ValueError) as reason:
        raise error("E-DATA", f"{path} is not a whole idx file: {reason}", help="fetch it again") from reason
