"""Find images in class folders, without reading them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from blockspace.data.decode import describe_failure, is_grey, join_names, make_unreadable_error
from blockspace.errors import error

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class ImageFolder:
    """The files of each part and their labels, in path order; one part called "all" when the folder holds classes directly."""

    root: Path
    classes: tuple[str, ...]
    files: dict[str, list[Path]]
    labels: dict[str, list[int]]


def find_images(root: str | Path) -> ImageFolder:
    """Find the images under `root/CLASS` or `root/{train,val,test}/CLASS`.

    Raises BlockspaceError (E-DATA): no such folder, no class in it, a class without images, parts that differ in their classes.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise error("E-DATA", f"data folder {str(root)!r} does not exist", help="it should contain one folder of images per class")
    tops = list_subfolders(root)
    parts = {name: root / name for name in PARTS if name in tops} if "train" in tops else {"all": root}
    classes = tuple(list_subfolders(next(iter(parts.values()))))
    if len(classes) < 2:
        raise error("E-DATA", f"data folder {str(root)!r} contains {len(classes)} class folder(s), at least 2 are needed")
    found = ImageFolder(root, classes, {}, {})
    for part, place in parts.items():
        check_classes(place, classes)
        listed = [list_images(place / name) for name in classes]
        check_filled(place, classes, listed)
        found.files[part] = [path for paths in listed for path in paths]
        found.labels[part] = [label for label, paths in enumerate(listed) for _ in paths]
    return found


def check_classes(place: Path, classes: tuple[str, ...]) -> None:
    """Check that a part has every class and no other. Raises BlockspaceError (E-DATA)."""
    odd = sorted(set(list_subfolders(place)) ^ set(classes))
    if odd:
        help = "train, val and test need the same class folders"
        raise error("E-DATA", f"{str(place)!r} has different classes from the other splits: {join_names(odd)}", help=help)


def check_filled(place: Path, classes: tuple[str, ...], listed: list[list[Path]]) -> None:
    """Check that each class has an image. Raises BlockspaceError (E-DATA)."""
    empty = [name for name, paths in zip(classes, listed) if not paths]
    if empty:
        raise error("E-DATA", f"no images in class folder(s) {join_names(empty)} of {str(place)!r}", help="add images or remove the folder")


def list_subfolders(place: Path) -> list[str]:
    """Return the names of the folders in `place`, sorted; hidden ones left out."""
    return sorted(entry.name for entry in os.scandir(place) if entry.is_dir() and not entry.name.startswith("."))


def list_images(place: Path) -> list[Path]:
    """Return the image files directly in `place`, by name; names are sorted, which is much quicker than sorting paths."""
    names = sorted(name for name in os.listdir(place) if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith("."))
    return [place / name for name in names]


def read_folder_shape(found: ImageFolder, size: int | None, channels: int | None) -> tuple[int, int, int]:
    """Return `(C, H, W)` of the images as they will be read: the options', else the first image's. Raises BlockspaceError (E-DATA)."""
    first = next(iter(found.files.values()))[0]
    try:
        with Image.open(first) as image:
            width, height = image.size
            own = 1 if is_grey(image) else 3
    except Exception as reason:
        raise make_unreadable_error({first: describe_failure(reason)}) from reason
    return channels or own, size or height, size or width
