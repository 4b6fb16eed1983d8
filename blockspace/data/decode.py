"""Decode one image to an array, with PIL and numpy only: open it, bring it to 8 bits in grey or RGB, and to a size."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
from PIL import Image, ImageOps

from blockspace.data.decoding import Decoding
from blockspace.data.image_formats import list_image_formats
from blockspace.data.picture import convert_image, flatten_image
from blockspace.errors import BlockspaceError, error
from blockspace.formatting import count_noun

LUMA = (0.299, 0.587, 0.114)
IN_MEMORY = 512 * 2**20  # bytes of pixels up to which images are decoded once, at the start


@contextmanager
def forbid_decompression_bombs() -> Iterator[None]:
    """Raise an error above PIL's limit on pixels: between one and two times it (89 million) PIL only warns. Other warnings are muted."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")  # of metadata that pixels do not depend on
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(item: Any, decoding: Decoding) -> numpy.ndarray:
    """Return a file (a path, or its bytes), a PIL image, an array or a tensor `(C, H, W)` or `(H, W)` as an array of the decoding's shape.

    uint8 in 0..255; an array of floats stays float32. Resizing is bilinear. Raises what PIL raises for a damaged file, and ValueError.
    """
    if isinstance(item, (str, Path)):
        with Image.open(item, formats=list_image_formats()) as image:
            return fit_image(image, decoding)
    if isinstance(item, bytes):
        with Image.open(io.BytesIO(item), formats=list_image_formats()) as image:
            return fit_image(image, decoding)
    if isinstance(item, Image.Image):
        return fit_image(item, decoding)
    return decode_array(to_array(item), decoding)


def to_array(value: Any) -> numpy.ndarray:
    """Return an array, or a tensor on any device, as an array; floats that numpy does not have (bfloat16) as the equal float32.

    Raises what numpy and torch raise for what cannot be one array.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
    found = numpy.asarray(value)
    return found.astype(numpy.float32) if found.dtype.kind == "V" and "float" in found.dtype.name else found


def decode_array(pixels: numpy.ndarray, decoding: Decoding) -> numpy.ndarray:
    """Return an array `(C, H, W)` or `(H, W)` at the decoding's shape. Raises ValueError where that cannot be."""
    shape = decoding.shape
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
    if pixels.ndim != 3 or len(pixels) not in (1, 3) or shape[0] not in (1, 3):
        raise ValueError(f"the shape is {pixels.shape}, expected {shape}")
    if pixels.dtype == numpy.uint8:
        return fit_image(Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)), decoding)
    channels = convert_float_channels(pixels, shape[0])
    return numpy.stack([numpy.asarray(resize_image(Image.fromarray(channel), decoding)) for channel in channels])


def convert_float_channels(pixels: numpy.ndarray, channels: int) -> numpy.ndarray:
    """Return floats `(1 or 3, H, W)` as grey (luma, ITU-R 601) or RGB."""
    if len(pixels) == channels:
        return pixels
    if channels == 3:
        return numpy.repeat(pixels, 3, axis=0)
    return numpy.tensordot(numpy.array(LUMA, numpy.float32), pixels, 1)[None]


def fit_image(image: Image.Image, decoding: Decoding) -> numpy.ndarray:
    """Return a PIL image as uint8 `(C, H, W)`."""
    image.load()
    pixels = numpy.asarray(resize_image(convert_image(flatten_image(image, decoding), decoding.shape[0]), decoding), dtype=numpy.uint8)
    return pixels[None] if decoding.shape[0] == 1 else pixels.transpose(2, 0, 1)


def resize_image(image: Image.Image, decoding: Decoding) -> Image.Image:
    """Return a PIL image at the decoding's height and width."""
    _, height, width = decoding.shape
    if image.size == (width, height):
        return image
    bilinear = Image.Resampling.BILINEAR
    return ImageOps.fit(image, (width, height), bilinear) if decoding.fit == "crop" else image.resize((width, height), bilinear)


def decode_all(items: Iterable[Any], decoding: Decoding, dtype: Any = numpy.uint8) -> numpy.ndarray:
    """Return all images as `(N, C, H, W)`. Raises BlockspaceError (E-DATA) naming those that cannot be read."""
    items = list(items)
    pixels = numpy.empty((len(items), *decoding.shape), dtype)
    with forbid_decompression_bombs():
        bad = fill_pixels(pixels, items, decoding)
    if bad and not all(isinstance(item, (str, Path)) for item in bad):
        raise make_unreadable_error(bad, "repair them, or leave them out of the data set")
    if bad:
        raise make_unreadable_error(bad)
    return pixels


def fill_pixels(pixels: numpy.ndarray, items: Sequence[Any], decoding: Decoding) -> dict[Any, str]:
    """Decode images into `(N, C, H, W)`; return those that cannot be read, with the reason. Bombs are for the caller to forbid."""
    bad: dict[Any, str] = {}
    for index, item in enumerate(items):
        try:
            found = decode(item, decoding)
            if found.dtype != pixels.dtype:  # numpy would turn floats in 0..1 into zeros
                raise ValueError(f"pixels of {found.dtype}, those of the others are {pixels.dtype}")
            pixels[index] = found
        except BlockspaceError:
            raise
        except Exception as reason:  # PIL raises a dozen types for damaged files
            bad[item if isinstance(item, (str, Path)) else index] = describe_failure(reason)
    return bad


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
    shown = join_names(f"{f'image {name}' if isinstance(name, int) else name} ({reason})" for name, reason in bad.items())
    return error("E-DATA", f"{count_noun(len(bad), 'image')} cannot be read: {shown}", help=help)


class DatasetImages:
    """The images of a torch Dataset whose items are (image, label), by index."""

    def __init__(self, dataset: Any):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(index)][0]
