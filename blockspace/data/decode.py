"""Decode one image to an array, with PIL and numpy only: open it, convert it to grey or RGB, and bring it to a size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
from PIL import Image, ImageOps

from blockspace.errors import BlockspaceError, error

IN_MEMORY = 512 * 2**20  # bytes of pixels up to which images are decoded once, at the start
Shape = tuple[int, int, int]


@contextmanager
def forbid_decompression_bombs() -> Iterator[None]:
    """Raise an error above PIL's limit on pixels: between one and two times it (89 million) PIL only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(item: Any, shape: Shape, fit: str = "crop") -> numpy.ndarray:
    """Return a file (a path, or its bytes), a PIL image, an array or a tensor `(C, H, W)` or `(H, W)` as an array of `shape` `(C, H, W)`.

    uint8 in 0..255; an array of floats stays float32 and must have the shape already. `fit` is `crop` (the shorter side resized, the middle
    taken) or `stretch`; both are bilinear. Raises what PIL raises for a damaged file, and ValueError.
    """
    if isinstance(item, (str, Path)):
        with Image.open(item) as image:
            return fit_image(image, shape, fit)
    if isinstance(item, bytes):
        with Image.open(io.BytesIO(item)) as image:
            return fit_image(image, shape, fit)
    if isinstance(item, Image.Image):
        return fit_image(item, shape, fit)
    return decode_array(numpy.asarray(item), shape, fit)


def decode_array(pixels: numpy.ndarray, shape: Shape, fit: str) -> numpy.ndarray:
    """Return an array `(C, H, W)` or `(H, W)` at `shape`. Raises ValueError where that cannot be."""
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.dtype.kind == "f":
        pixels = pixels.astype(numpy.float32)
        if not numpy.isfinite(pixels).all():
            raise ValueError("values that are NaN or infinite")
    elif pixels.dtype != numpy.uint8:
        raise ValueError(f"pixels of {pixels.dtype}, neither uint8 nor float")
    if pixels.shape == shape:
        return pixels
    if pixels.dtype != numpy.uint8 or pixels.ndim != 3 or len(pixels) not in (1, 3):
        raise ValueError(f"the shape is {pixels.shape}, expected {shape}")
    return fit_image(Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)), shape, fit)


def fit_image(image: Image.Image, shape: Shape, fit: str) -> numpy.ndarray:
    """Return a PIL image as uint8 `(C, H, W)`."""
    channels, height, width = shape
    if image.mode.startswith("I"):  # 16 bits; PIL's own conversion cuts off what is above 255
        image = Image.fromarray((numpy.asarray(image).clip(0, 65535) // 257).astype(numpy.uint8))
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        bilinear = Image.Resampling.BILINEAR
        image = ImageOps.fit(image, (width, height), bilinear) if fit == "crop" else image.resize((width, height), bilinear)
    pixels = numpy.asarray(image, dtype=numpy.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def is_grey(image: Image.Image) -> bool:
    """Return whether an image has one channel."""
    return image.mode in ("1", "L", "F") or image.mode.startswith("I")


def decode_all(items: Iterable[Any], shape: Shape, fit: str = "crop", dtype: Any = numpy.uint8) -> numpy.ndarray:
    """Return all images as `(N, C, H, W)`. Raises BlockspaceError (E-DATA) naming those that cannot be read."""
    items = list(items)
    pixels = numpy.empty((len(items), *shape), dtype)
    bad: dict[Any, str] = {}
    with forbid_decompression_bombs():
        for index, item in enumerate(items):
            try:
                pixels[index] = decode(item, shape, fit)
            except BlockspaceError:
                raise
            except Exception as reason:  # PIL raises a dozen types for damaged files
                bad[item if isinstance(item, (str, Path)) else f"image {index}"] = describe_failure(reason)
    if bad:
        raise make_unreadable_error(bad)
    return pixels


def describe_failure(reason: BaseException) -> str:
    """Return an exception in one line; PIL's repeats the path or an object's address, which says nothing."""
    text = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
    if text.startswith("cannot identify image file"):
        return "not an image"
    return text.split(", could be decompression bomb")[0].replace("Image size", "decompression bomb:")


def join_names(words: Iterable[object]) -> str:
    """Return the first three words, and how many more there are."""
    texts = [str(word) for word in words]
    return ", ".join(texts[:3]) + (f" and {len(texts) - 3} more" if len(texts) > 3 else "")


def make_unreadable_error(bad: Mapping[Any, str], help: str = "repair or remove them, or set on_bad_sample: skip") -> BlockspaceError:
    """Return the error for images that cannot be read: which, and why."""
    shown = join_names(f"{path} ({reason})" for path, reason in bad.items())
    return error("E-DATA", f"{len(bad):,} image(s) cannot be read: {shown}", help=help)


class DatasetImages:
    """The images of a torch Dataset whose items are (image, label), by index."""

    def __init__(self, dataset: Any):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(index)][0]
