"""Images in class folders: found, checked and hashed with PIL and numpy only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy
from PIL import Image

from blockspace.errors import error

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Folder:
    """The files of each part and their labels, in path order; one part called "all" when the folder holds classes directly."""

    root: Path
    classes: tuple[str, ...]
    files: dict[str, list[Path]]
    labels: dict[str, list[int]]


def scan(root: str | Path) -> Folder:
    """Find the images under `root/CLASS` or `root/{train,val,test}/CLASS`.

    Raises BlockspaceError (E-DATA): no such folder, no class in it, a class without images, parts that differ in their classes.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise error("E-DATA", f"data folder {str(root)!r} does not exist", help="it should hold one folder of images per class")
    tops = subfolders(root)
    parts = {name: root / name for name in PARTS if name in tops} if "train" in tops else {"all": root}
    classes = tuple(subfolders(next(iter(parts.values()))))
    if len(classes) < 2:
        raise error("E-DATA", f"data folder {str(root)!r} holds {len(classes)} class folder(s), at least 2 are needed")
    found = Folder(root, classes, {}, {})
    for part, place in parts.items():
        check_classes(place, classes)
        pairs = [(path, label) for label, name in enumerate(classes) for path in images(place / name)]
        found.files[part] = [path for path, _ in pairs]
        found.labels[part] = [label for _, label in pairs]
    return found


def check_classes(place: Path, classes: tuple[str, ...]) -> None:
    """Every class and no other, each with at least one image."""
    here = subfolders(place)
    odd = sorted(set(here) ^ set(classes))
    if odd:
        help = "train, val and test need the same class folders"
        raise error("E-DATA", f"{str(place)!r} has other classes than its neighbours: {named(odd)}", help=help)
    empty = [name for name in classes if not images(place / name)]
    if empty:
        raise error("E-DATA", f"no images in class folder(s) {named(empty)} of {str(place)!r}", help="add images or remove the folder")


def subfolders(place: Path) -> list[str]:
    """Names of the folders in `place`, sorted; hidden ones left out."""
    return sorted(entry.name for entry in os.scandir(place) if entry.is_dir() and not entry.name.startswith("."))


def images(place: Path) -> list[Path]:
    """Image files directly in `place`, by name."""
    return sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))


def named(words: Iterable[object]) -> str:
    """The first three, and how many more."""
    words = [str(word) for word in words]
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def shape(found: Folder, size: int | None, channels: int | None) -> tuple[int, int, int]:
    """`(C, H, W)` of the images as they will be read: what the options say, else what the first image is."""
    first = next(iter(found.files.values()))[0]
    try:
        with Image.open(first) as image:
            width, height = image.size
            grey = image.mode in ("1", "L", "I", "I;16", "F")
    except Exception as reason:
        raise unreadable([first]) from reason
    return channels or (1 if grey else 3), size or height, size or width


def check_readable(paths: Iterable[Path]) -> None:
    """Verify every image's header and structure, not its pixels. Raises BlockspaceError (E-DATA) naming the first three."""
    bad = [path for path in paths if not readable(path)]
    if bad:
        raise unreadable(bad)


def readable(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.verify()
    except Exception:  # PIL raises a dozen types for damaged files, decompression bombs included
        return False
    return True


def unreadable(paths: list[Path]):
    """The error for images that cannot be read."""
    return error("E-DATA", f"{len(paths)} image(s) cannot be read: {named(paths)}", help="repair or remove them")


def decode(path: Path, shape: tuple[int, int, int]) -> numpy.ndarray:
    """The image as uint8 of `(C, H, W)`, converted to grey or RGB and resized (bilinear) when it differs."""
    channels, height, width = shape
    with Image.open(path) as image:
        image = image.convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels = numpy.asarray(image, dtype=numpy.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def decode_all(paths: list[Path], shape: tuple[int, int, int]) -> numpy.ndarray:
    """All images as uint8 `(N, C, H, W)`. Raises BlockspaceError (E-DATA) naming the first three that cannot be read."""
    pixels = numpy.empty((len(paths), *shape), numpy.uint8)
    bad = []
    for index, path in enumerate(paths):
        try:
            pixels[index] = decode(path, shape)
        except Exception:  # see `readable`
            bad.append(path)
    if bad:
        raise unreadable(bad)
    return pixels


def file_key(path: Path, seed: int) -> bytes:
    """A hash of the file's bytes, seeded, 16 bytes: equal files are the same image wherever they lie."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16, key=str(seed).encode())).digest()
