"""Read, decode and hash one image file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from blockspace.data.decode import describe_failure
from blockspace.data.decoding import Decoding, widen_range
from blockspace.data.image_facts import UNREAD, ImageFacts, Trait, examine_image
from blockspace.data.image_formats import list_image_formats
from blockspace.data.picture import convert_image, drop_alpha, is_deep, read_orientation, remove_alpha, turn_image

THUMBNAIL = 9  # pixels on each side


class InspectedFile(NamedTuple):
    """What an image file holds: a hash of its bytes, and its facts, or the reason why it cannot be decoded ("" when it can).

    `pixels` is a hash of the picture at its own size, upright and on white: equal for files that show the same. `thumbnail` has the 9x9
    levels of the picture in grey. Hashes have 16 bytes.
    """

    content: bytes
    fault: str
    facts: ImageFacts = UNREAD
    pixels: bytes = bytes(16)
    thumbnail: bytes = bytes(THUMBNAIL**2)


def inspect_file(name: str) -> InspectedFile:
    """Return what is in a file. Raises nothing for damaged ones."""
    try:
        content = Path(name).read_bytes()
    except OSError as reason:
        return InspectedFile(bytes(16), reason.strerror or "cannot be read")
    key = hash_bytes(content)
    try:
        with Image.open(io.BytesIO(content), formats=list_image_formats()) as image:
            return InspectedFile(key, "", *inspect_image(image))
    except Exception as reason:  # PIL raises a dozen types for damaged files
        return InspectedFile(key, describe_failure(reason))


def inspect_image(image: Image.Image) -> tuple[ImageFacts, bytes, bytes]:
    """Return the facts of an image just opened, the hash of its pixels, and its thumbnail. Raises what PIL raises, and ValueError."""
    facts = examine_image(image)
    span = widen_range(facts.low, facts.high)
    orientation = read_orientation(image)
    stored = remove_alpha(image, Decoding((1, 0, 0), integers=span, floats=span))
    picture = turn_image(stored, orientation)
    traits = facts.traits
    if picture is not stored and have_other_pixels(picture, stored):
        traits |= Trait.TURNED
    if traits & Trait.TRANSPARENT and (is_deep(image) or have_other_pixels(drop_alpha(image), stored)):
        traits |= Trait.RECOLOURED
    shown = turn_image(image, orientation) if is_deep(image) else convert_image(picture, 3)
    thumbnail = convert_image(picture, 1).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).tobytes()
    return facts._replace(traits=int(traits)), hash_bytes(f"{shown.mode} {shown.size}".encode() + shown.tobytes()), thumbnail


def have_other_pixels(one: Image.Image, other: Image.Image) -> bool:
    """Return whether two images of 8 bits differ in RGB."""
    return one.size != other.size or convert_image(one, 3).tobytes() != convert_image(other, 3).tobytes()


def hash_bytes(content: bytes) -> bytes:
    """Return a hash of 16 bytes."""
    return hashlib.blake2b(content, digest_size=16).digest()
