"""Bring a PIL image of any mode to 8 bits without alpha, upright: what viewers show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy
from PIL import ExifTags, Image

if TYPE_CHECKING:
    from blockspace.data.decoding import Decoding, Range

# `ImageOps.exif_transpose` also writes EXIF anew, which fails for EXIF that is slightly damaged
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
METADATA = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")  # where PIL keeps an orientation
ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


def is_grey(image: Image.Image) -> bool:
    """Return whether an image has one channel, alpha not counted."""
    return image.mode in ("1", "L", "LA", "La") or is_deep(image)


def is_deep(image: Image.Image) -> bool:
    """Return whether an image has more than 8 bits: integers, or floats."""
    return image.mode == "F" or image.mode.startswith("I")


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none, or where it cannot be read. (PIL itself turns what is in TIFF.)"""
    if not any(key in image.info for key in METADATA):
        return 1
    try:
        found = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # viewers show an image with damaged EXIF as it is stored, and PIL raises half a dozen types
        return 1
    return found if isinstance(found, int) and found in TURNS else 1


def sets_upright(orientation: int) -> bool:
    """Return whether an orientation exchanges width and height."""
    return orientation >= 5


def has_alpha(image: Image.Image) -> bool:
    """Return whether an image can have transparent pixels.

    A colour that stands for transparency is believed in an image as it was opened only: `convert` passes it on to images in which the same
    colour also occurs as such.
    """
    if image.mode in ALPHA or image.mode == "P":
        return image.has_transparency_data
    return image.format is not None and "transparency" in image.info


def find_transparent(image: Image.Image) -> bool:
    """Return whether an image with alpha has a pixel that is not opaque."""
    if is_deep(image):
        return bool(find_key_pixels(image).any())
    return convert_to_rgba(image).getchannel("A").tobytes() != b"\xff" * (image.width * image.height)


def find_key_pixels(image: Image.Image) -> numpy.ndarray:
    """Return where `(H, W)` an image of more than 8 bits has the value that stands for transparency."""
    found: numpy.ndarray = numpy.asarray(image) == image.info["transparency"]
    return found


def flatten_image(image: Image.Image, decoding: Decoding) -> Image.Image:
    """Return an image of 8 bits without alpha, on the background and upright."""
    return turn_image(remove_alpha(image, decoding), read_orientation(image))


def turn_image(image: Image.Image, orientation: int) -> Image.Image:
    """Return an image upright."""
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def remove_alpha(image: Image.Image, decoding: Decoding) -> Image.Image:
    """Return an image as it is stored, of 8 bits and without alpha, on the background."""
    if is_deep(image):
        return Image.fromarray(flatten_levels(image, decoding))
    if has_alpha(image):
        return drop_alpha(image) if decoding.background is None else put_on_background(image, decoding.background)
    return image


def convert_image(image: Image.Image, channels: int) -> Image.Image:
    """Return an image of 8 bits in grey or RGB; PIL knows the way from LAB to grey through RGB only."""
    if image.mode == "LAB":
        image = image.convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def put_on_background(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Return an image with alpha as RGB, composited on a colour."""
    under = Image.new("RGBA", image.size, (*background, 255))
    return Image.alpha_composite(under, convert_to_rgba(image)).convert("RGB")


def convert_to_rgba(image: Image.Image) -> Image.Image:
    """Return an image with alpha as RGBA."""
    if image.mode == "La":
        image = image.convert("LA")  # PIL knows no other way
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:  # of a PNG of 16 bits a channel, which PIL reads as 8
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in key)
    return image.convert("RGBA")


def drop_alpha(image: Image.Image) -> Image.Image:
    """Return an image with the colours that it has below its alpha."""
    plain = image.convert("LA") if image.mode == "La" else image.copy()
    plain.info.pop("transparency", None)  # PIL would warn of what is asked for
    return plain.convert("L" if is_grey(image) else "RGB")


def flatten_levels(image: Image.Image, decoding: Decoding) -> numpy.ndarray:
    """Return an image of more than 8 bits as uint8 `(H, W)`, its transparent pixels as the background's luma (ITU-R 601)."""
    values = numpy.asarray(image)
    levels = scale_floats(values, decoding.floats) if image.mode == "F" else scale_integers(values, decoding.integers)
    if decoding.background is not None and has_alpha(image):
        luma = numpy.asarray(Image.new("RGB", image.size, decoding.background).convert("L"))
        levels = numpy.where(find_key_pixels(image), luma, levels)
    return levels


def scale_integers(values: numpy.ndarray, levels: Range) -> numpy.ndarray:
    """Return integers as 0..255, rounded down: what is outside of `levels` is black or white."""
    low, high = levels
    if not (float(low).is_integer() and float(high).is_integer()):
        return scale_floats(values, levels)
    return ((values.astype(numpy.int64).clip(int(low), int(high)) - int(low)) * 255 // int(high - low)).astype(numpy.uint8)


def scale_floats(values: numpy.ndarray, levels: Range) -> numpy.ndarray:
    """Return floats as 0..255: what is outside of `levels` is black or white. Raises ValueError for values that are NaN or infinite."""
    if not numpy.isfinite(values).all():
        raise ValueError("values that are NaN or infinite")
    low, high = levels
    if levels == (0, 255):
        return values.clip(0, 255).astype(numpy.uint8)  # cut off, as PIL does
    return numpy.rint((values.astype(numpy.float64).clip(low, high) - low) * (255 / (high - low))).astype(numpy.uint8)
