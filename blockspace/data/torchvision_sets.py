"""Read the named sets with torchvision's own classes: found, fetched only when that was asked for, and turned into images and labels.

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

from blockspace.data.data_spec import DataSpec, Place, download_root, find_place, make_missing_error
from blockspace.data.decode import DatasetImages
from blockspace.data.named_datasets import DATASETS, NamedDataset
from blockspace.errors import BlockspaceError, error

FAKE = 1000  # images of FakeData unless parts are asked for


@dataclass(frozen=True, eq=False)
class ListedPart:
    """One part: an array `(N, C, H, W)`, file paths, or anything with `[i]`; labels from 0; class names."""

    items: Any
    labels: list[int]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def find_or_download(spec: DataSpec) -> Place:
    """Return where a named set's files are; they are downloaded first with `download: true`. Raises BlockspaceError (E-DATA)."""
    known = DATASETS[str(spec.name)]
    place = find_place(spec)
    if place is None and spec.download and not known.by_hand:
        download_set(known, spec, download_root(spec))
        place = find_place(spec)
    if place is None:
        raise make_missing_error(spec)
    return place


def read_torchvision_set(spec: DataSpec) -> dict[str, ListedPart]:
    """Return every part that the set has. A damaged copy is downloaded again with `download: true`. Raises BlockspaceError (E-DATA)."""
    known = DATASETS[str(spec.name)]
    if not known.markers:
        return {part: read_listed(known, open_part(known, spec, None, part), spec) for part in known.parts}
    root = find_or_download(spec).root
    try:
        return {part: read_listed(known, open_part(known, spec, root, part), spec) for part in known.parts}
    except BlockspaceError:
        if not spec.download or known.by_hand:
            raise
    download_set(known, spec, root)
    return {part: read_listed(known, open_part(known, spec, root, part), spec) for part in known.parts}


def download_set(known: NamedDataset, spec: DataSpec, root: Path) -> None:
    """Fetch a data set with torchvision; only ever called on `download: true`. Raises BlockspaceError (E-DATA)."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for part in known.parts:
            find_reader_class(known)(**make_arguments(known, spec, root, part) | {"download": True})
    except Exception as reason:  # whatever the network, the server or the disk came up with
        said = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        help = "is there a network? A copy can also be put there by hand"
        raise error("E-DATA", f"{spec.name} could not be downloaded to {root}: {said}", help=help) from reason


def find_reader_class(known: NamedDataset) -> Callable[..., Any]:
    """Return torchvision's class. Raises BlockspaceError (E-DATA) where the installed version does not have it."""
    import torchvision

    cls: Callable[..., Any] | None = getattr(torchvision.datasets, known.reader, None)
    if cls is None:
        raise error("E-DATA", f"torchvision {torchvision.__version__} has no {known.reader}", help="upgrade torchvision")
    return cls


def make_arguments(known: NamedDataset, spec: DataSpec, root: Path | None, part: str) -> dict[str, Any]:
    """Return the class's arguments for one part: never `download`, and a loader that hands back paths where there is a loader."""
    chosen: dict[str, Any] = dict(known.parts[part]) | known.chosen(spec.options)
    if root is None:
        shape = known.shape if spec.size is None else (known.shape[0], spec.size, spec.size)
        wanted = [size for size in (spec.train, spec.val, spec.test) if size is not None]
        return chosen | {"size": max(FAKE, 2 * sum(wanted)), "image_size": shape, "num_classes": known.classes}
    chosen["root"] = str(root)
    takes = inspect.signature(find_reader_class(known)).parameters
    if "download" in takes:
        chosen["download"] = False  # SEMEION's default is True
    if known.holds == "files" and ("loader" in takes or known.reader == "ImageNet"):
        chosen["loader"] = os.fspath
    return chosen


def open_part(known: NamedDataset, spec: DataSpec, root: Path | None, part: str) -> Any:
    """Return torchvision's data set of one part. Raises BlockspaceError (E-DATA) with torchvision's message."""
    try:
        return find_reader_class(known)(**make_arguments(known, spec, root, part))
    except (RuntimeError, OSError, ValueError, KeyError, LookupError, ImportError) as reason:
        said = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
        raise error("E-DATA", f"{known.reader} in {root} cannot be read: {said}", help="fetch it again, or set download: true") from reason


def read_listed(known: NamedDataset, dataset: Any, spec: DataSpec) -> ListedPart:
    """Return a data set's images and labels, in the way that its entry in `DATASETS` says it holds them."""
    items, labels = {"arrays": read_arrays, "files": read_files, "items": read_items}[known.holds](known, dataset)
    names = read_class_names(known, dataset, spec)
    shift = 1 if known.reader == "EMNIST" and min(labels) == 1 else known.first  # letters are numbered from 1
    return ListedPart(items, [label - shift for label in labels], names)


def read_class_names(known: NamedDataset, dataset: Any, spec: DataSpec) -> tuple[str, ...]:
    """Return the names of the classes: the set's own where it has as many as classes, else numbers."""
    attributes = ("classes", "categories", "_characters", "all_categories", "class_to_idx")
    own = next((list(getattr(dataset, name)) for name in attributes if getattr(dataset, name, None) is not None), [])
    own = [name for name in own if name != "N/A"]
    count = known.count(known.chosen(spec.options))
    if len(own) != count:
        return tuple(str(known.first + i) for i in range(count))
    return tuple(str(name[0] if isinstance(name, tuple) else name) for name in own)


def read_arrays(known: NamedDataset, dataset: Any) -> tuple[numpy.ndarray, list[int]]:
    """Return uint8 images `(N, C, H, W)` and labels of a set that torchvision reads into memory."""
    images = numpy.asarray(dataset.data)
    labels = numpy.asarray(dataset.targets if hasattr(dataset, "targets") else dataset.labels)
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[3] == 3:
        images = images.transpose(0, 3, 1, 2)
    return numpy.ascontiguousarray(images), (labels[:, 0] if labels.ndim == 2 else labels).astype(int).tolist()


def read_files(known: NamedDataset, dataset: Any) -> tuple[list[Path], list[int]]:
    """Return paths and labels of a set of image files, in the order of the paths, whatever order the system lists them in."""
    pairs = FILES[known.reader](dataset) if known.reader in FILES else [dataset[i] for i in range(len(dataset))]
    pairs = sorted((str(path), int(label)) for path, label in pairs)
    return [Path(path) for path, _ in pairs], [label for _, label in pairs]


def list_caltech101(dataset: Any) -> list[tuple[str, int]]:
    """Return the paths and labels of Caltech 101, whose class takes no loader."""
    folder = Path(dataset.root) / "101_ObjectCategories"
    return [(str(folder / dataset.categories[y] / f"image_{i:04d}.jpg"), y) for i, y in zip(dataset.index, dataset.y)]


def list_caltech256(dataset: Any) -> list[tuple[str, int]]:
    """Return the paths and labels of Caltech 256, whose class takes no loader."""
    folder = Path(dataset.root) / "256_ObjectCategories"
    return [(str(folder / dataset.categories[y] / f"{y + 1:03d}_{i:04d}.jpg"), y) for i, y in zip(dataset.index, dataset.y)]


# classes that take no loader: where they keep their list
FILES: dict[str, Callable[[Any], list[Any]]] = {
    "Caltech101": list_caltech101,
    "Caltech256": list_caltech256,
    "GTSRB": lambda dataset: dataset._samples,
    "OxfordIIITPet": lambda dataset: list(zip(dataset._images, dataset._labels)),
}


def read_items(known: NamedDataset, dataset: Any) -> tuple[DatasetImages, list[int]]:
    """Return the images behind `dataset[i]`, and labels. Raises BlockspaceError (E-DATA) for a copy without labels."""
    labels = LABELS.get(known.reader, read_labels)(dataset)
    if any(label is None for label in labels):
        raise error("E-DATA", f"{known.reader}: this copy has no labels in one of its parts", help=known.by_hand or None)
    return DatasetImages(dataset), [int(label) for label in labels]


def read_labels(dataset: Any) -> list[Any]:
    """Return the label of each item."""
    return [dataset[i][1] for i in range(len(dataset))]


def read_pcam_labels(dataset: Any) -> list[int]:
    """Return all labels in one read: the class opens its file anew for each."""
    with dataset.h5py.File(dataset._base_folder / dataset._FILES[dataset._split]["targets"][0]) as file:
        labels: list[int] = file["y"][:, 0, 0, 0].tolist()
    return labels


LABELS: dict[str, Callable[[Any], list[Any]]] = {"PCAM": read_pcam_labels}


def find_idx_file(place: Path, name: str) -> Path | None:
    """Return the file, plain or gzipped, or None."""
    return next((path for path in (place / name, place / f"{name}.gz") if path.is_file()), None)


def read_idx(place: Path, name: str) -> numpy.ndarray:
    """Return the content of an idx file of unsigned bytes.

    It starts with magic 0x000008NN for NN dimensions, each a big-endian uint32; then come the values. Raises BlockspaceError (E-DATA).
    """
    path = find_idx_file(place, name)
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
