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
from blockspace.data.picture import convert_image, drop_alpha, flatten_image, is_deep, read_orientation, remove_alpha, turn_image

THUMBNAIL = 9  # pixels on each side


class InspectedFile(NamedTuple):
    """What an image file holds: a hash of its bytes, and its facts, or the reason why it cannot be decoded ("" when it can).

    `thumbnail` has the 9x9 levels of the picture in grey, upright and on white. Hashes have 16 bytes.
    """

    content: bytes
    fault: str
    facts: ImageFacts = UNREAD
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


def inspect_image(image: Image.Image) -> tuple[ImageFacts, bytes]:
    """Return the facts of an image just opened, and its thumbnail. Raises what PIL raises, and ValueError."""
    facts = examine_image(image)
    orientation = read_orientation(image)
    stored = remove_alpha(image, span_levels(facts))
    picture = turn_image(stored, orientation)
    traits = facts.traits
    if picture is not stored and have_other_pixels(picture, stored):
        traits |= Trait.TURNED
    if traits & Trait.TRANSPARENT and (is_deep(image) or have_other_pixels(drop_alpha(image), stored)):
        traits |= Trait.RECOLOURED
    return facts if traits == facts.traits else facts._replace(traits=traits), make_thumbnail(picture)


def span_levels(facts: ImageFacts) -> Decoding:
    """Return the decoding by which an image of more than 8 bits is shown from its smallest to its largest value."""
    span = widen_range(facts.low, facts.high)
    return Decoding((facts.channels, facts.height, facts.width), integers=span, floats=span)


def make_thumbnail(picture: Image.Image) -> bytes:
    """Return the 9x9 levels of a picture of 8 bits in grey; exact means, so that copies in another size have nearly the same."""
    return convert_image(picture, 1).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).tobytes()


def hash_pixels(name: str) -> bytes:
    """Return a hash of a file's picture at its own size, upright and on white: equal for files that show the same.

    One that cannot be read any more is like no other.
    """
    try:
        with Image.open(name, formats=list_image_formats()) as image:
            image.load()
            if is_deep(image):
                shown = turn_image(image, read_orientation(image))
            else:
                shown = convert_image(flatten_image(image, Decoding((3, 0, 0))), 3)
            return hash_bytes(f"{shown.mode} {shown.size}".encode() + shown.tobytes())
    except Exception:  # PIL raises a dozen types for damaged files
        return hash_bytes(name.encode("utf-8", "surrogateescape"))


def have_other_pixels(one: Image.Image, other: Image.Image) -> bool:
    """Return whether two images of 8 bits differ in RGB."""
    return one.size != other.size or convert_image(one, 3).tobytes() != convert_image(other, 3).tobytes()


def hash_bytes(content: bytes) -> bytes:
    """Return a hash of 16 bytes."""
    return hashlib.blake2b(content, digest_size=16).digest()
