"""Which data sets there are, where their files may lie, and what is known of them before anything is read. No torch here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from blockspace.errors import BlockspaceError, Mark, error
from blockspace.options import Options, suggest, validated
from blockspace.train import folder as folders

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts its files
IDX = tuple(f"{folder}train-images-idx3-ubyte{end}" for folder in ("", "FashionMNIST/raw/") for end in ("", ".gz"))
CACHE = Path("~/.cache/blockspace/data")  # where downloads go when no place is given
DATA_VARIABLE = "BLOCKSPACE_DATA"  # a folder with data sets in torchvision's layout

Count = Annotated[int, Field(ge=1, le=10**9)]
Pixels = Annotated[int, Field(ge=1, le=4096)]


@dataclass(frozen=True)
class Known:
    """A data set by name: `(C, H, W)`, number of classes, default sizes of the split, and how its files are recognised."""

    input_shape: tuple[int, int, int]
    classes: int
    val: int
    train: int | None = None  # None: all that is left
    markers: tuple[str, ...] = ()  # a place holds the data set when it holds one of these; none: it comes with a package


KNOWN = {
    # 1,797 scans of 8x8 in scikit-learn, enlarged to 16x16; the test split is cut from them too
    "digits": Known((1, 16, 16), 10, val=400, train=500),
    "fashion_mnist": Known((1, 28, 28), 10, val=10_000, markers=IDX),
    "cifar10": Known((3, 32, 32), 10, val=5_000, markers=("cifar-10-batches-py",)),
    "cifar100": Known((3, 32, 32), 100, val=5_000, markers=("cifar-100-python",)),
}


class DataSpec(Options):
    """The `data:` of a study: a known name, or a folder of images with one sub-folder per class."""

    name: str | None = None
    # class folders: `folder/CLASS/*.png`, or `folder/train/CLASS/*.png` with val and test beside train
    folder: str | None = None
    # where the files of a named data set lie (torchvision's root, or the folder of the four idx files)
    path: str | None = None
    download: bool = False
    # images in each part of the split; what is not said is the data set's usual split
    train: Count | None = None
    val: Count | None = None
    test: Count | None = None
    # of the split, not of the training
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    # pixels on each side; images of another size are resized (bilinear)
    size: Pixels | None = None
    # folders only: 1 (grey) or 3 (RGB), and processes that decode images too many for the memory
    channels: Annotated[int, Field(ge=1, le=3)] | None = None
    workers: Annotated[int, Field(ge=0, le=64)] = 0

    @model_validator(mode="after")
    def _one_source(self) -> DataSpec:
        if (self.name is None) == (self.folder is None):
            raise ValueError("give either a name or a folder")
        if self.channels == 2:
            raise ValueError("channels is 1 (grey) or 3 (RGB)")
        return self

    def as_dict(self) -> dict:
        """What was set, as it would be written in YAML."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Description(NamedTuple):
    """What a network must fit: `(C, H, W)` and the number of classes."""

    input_shape: tuple[int, int, int]
    n_classes: int


def read_spec(spec: str | Mapping[str, Any] | DataSpec, mark_of: Callable[[tuple], Mark | None] | None = None) -> DataSpec:
    """A data set's name, or the mapping of a study's `data:`, as a DataSpec.

    Raises BlockspaceError: E-DATA for an unknown name, E-KEY and E-TYPE for wrong options.
    """
    if isinstance(spec, DataSpec):
        return spec
    values = {"name": spec} if isinstance(spec, str) else dict(spec) if isinstance(spec, Mapping) else spec
    found = validated(DataSpec, values, "data", mark_of)
    if found.name is not None and found.name not in KNOWN:
        help = f"{suggest(found.name, list(KNOWN))}; or {{folder: my/images}}"
        raise error("E-DATA", f"unknown data set {found.name!r}", mark_of(("name",)) if mark_of else None, help)
    return found


def describe(spec: str | Mapping[str, Any] | DataSpec) -> Description:
    """Input shape `(C, H, W)` and number of classes, without torch: of a named data set from the catalogue, of a folder by looking into it.

    Raises BlockspaceError as `read_spec` does, and E-DATA for a folder that is missing or holds an empty class.
    """
    spec = read_spec(spec)
    if spec.folder is not None:
        found = folders.scan(spec.folder)
        return Description(folders.shape(found, spec.size, spec.channels), len(found.classes))
    known = KNOWN[str(spec.name)]
    channels, height, width = known.input_shape
    return Description((channels, spec.size or height, spec.size or width), known.classes)


def check_data(spec: str | Mapping[str, Any] | DataSpec) -> None:
    """What can be said without torch of whether `load` will find its files: quick, and nothing is read but folders.

    Raises BlockspaceError as `read_spec` does, and E-DATA for what is missing and may not be downloaded.
    """
    spec = read_spec(spec)
    if spec.folder is not None:
        folders.scan(spec.folder)
    elif KNOWN[str(spec.name)].markers and not spec.download and find(spec) is None:
        raise missing(spec)


def find(spec: DataSpec) -> Path | None:
    """The first place that holds a named data set: what one of its markers names there."""
    found = (place / marker for place in places(spec) for marker in KNOWN[str(spec.name)].markers)
    return next((path for path in found if path.exists()), None)


def missing(spec: DataSpec) -> BlockspaceError:
    """The error for a data set that is nowhere."""
    looked = ", ".join(map(str, places(spec))) or f"no place: neither `path` nor ${DATA_VARIABLE} is set"
    package = "apt-get install dataset-fashion-mnist, or " if spec.name == "fashion_mnist" else ""
    help = f"{package}data={{name: {spec.name}, download: true}}, or data={{name: {spec.name}, path: ...}}"
    return error("E-DATA", f"{spec.name} is not on this machine; looked in {looked}", help=help)


def download_root(spec: DataSpec) -> Path:
    """Where a download goes: the given path, else $BLOCKSPACE_DATA, else a cache in the home folder."""
    return next((place for place in places(spec) if place != DEBIAN), CACHE.expanduser())


def places(spec: DataSpec) -> list[Path]:
    """The folders to look in for a named data set: the given path only; else $BLOCKSPACE_DATA, for Fashion-MNIST Debian's, and the cache
    once something was downloaded into it."""
    if spec.path is not None:
        return [Path(spec.path).expanduser()]
    from_user = [Path(os.environ[DATA_VARIABLE]).expanduser()] if os.environ.get(DATA_VARIABLE) else []
    cache = [CACHE.expanduser()] if CACHE.expanduser().is_dir() else []
    return from_user + ([DEBIAN] if spec.name == "fashion_mnist" else []) + cache
