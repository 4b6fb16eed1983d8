"""What an image is before it is decoded for a network: its size, its channels, and the traits that decide how pixels are read."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy
from PIL import Image

from blockspace.data.picture import find_transparent, has_alpha, is_deep, is_grey, read_orientation, sets_upright

ONE_PICTURE = ("MPO", "PSD")  # formats whose other frames are previews, depth maps or layers


class Trait(IntEnum):
    """The bits of what is worth knowing of an image.

    RECOLOURED and TURNED say that decoding 1 gave other pixels, and are known of files only.
    """

    INTEGERS = 1  # of more than 8 bits
    FLOATS = 2  # in a file or a PIL image
    TRANSPARENT = 4  # at least one pixel is
    RECOLOURED = 8  # on white it is not what it is without its alpha
    TURNED = 16  # its EXIF orientation changes it
    FRAMES = 32  # several: an animation, or pages
    REAL = 64  # an array of floats, which a network sees as it is


class ImageFacts(NamedTuple):
    """Channels (1 for grey), height and width as viewers show it, its `Trait`s, and the extreme values where it has more than 8 bits."""

    channels: int
    height: int
    width: int
    traits: int = 0
    low: float = 0.0
    high: float = 0.0


UNREAD = ImageFacts(0, 0, 0)


def examine_image(image: Image.Image, whole: bool = True) -> ImageFacts:
    """Return the facts of a PIL image; unless `whole`, one of 8 bits is not decoded for them, and transparency not looked for.

    Raises ValueError for values that are NaN or infinite, and what PIL raises for a damaged file.
    """
    traits = int(Trait.FRAMES) if is_animated(image) else 0  # asked first: it seeks, after which GIF is decoded anew
    if whole:
        image.load()
    width, height = image.size[::-1] if sets_upright(read_orientation(image)) else image.size
    channels, low, high = 1 if is_grey(image) else 3, 0.0, 0.0
    if is_deep(image):
        low, high = measure_levels(numpy.asarray(image))
        traits |= Trait.FLOATS if image.mode == "F" else Trait.INTEGERS
    if whole and has_alpha(image) and find_transparent(image):
        traits |= Trait.TRANSPARENT
    return ImageFacts(channels, height, width, traits, low, high)


def is_animated(image: Image.Image) -> bool:
    """Return whether an image has more frames or pages than the first, which is the one that is read."""
    if image.format in ONE_PICTURE:
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame leaves the first one good
        return False


def measure_levels(values: numpy.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest value. Raises ValueError where they are not finite."""
    low, high = float(values.min()), float(values.max())
    if not numpy.isfinite([low, high]).all():
        raise ValueError("values that are NaN or infinite")
    return low, high


def examine_item(item: Any, whole: bool = True) -> ImageFacts | None:
    """Return the facts of a PIL image, or of an array or tensor `(C, H, W)` or `(H, W)`; None for anything else."""
    if isinstance(item, Image.Image):
        return examine_image(item, whole)
    if not hasattr(item, "shape") or len(item.shape) not in (2, 3):
        return None
    channels, height, width = (1, *item.shape) if len(item.shape) == 2 else tuple(item.shape)
    real = "float" in str(getattr(item, "dtype", ""))
    return ImageFacts(int(channels), int(height), int(width), int(Trait.REAL if real else 0))
