"""How the images of one data set become pixels: the decisions that were taken over all of them, and those that the user took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import ImageColor

from blockspace.data.image_facts import ImageFacts, Trait

VERSION = 2  # of decoding: 1 ignored EXIF and alpha, and read every image of more than 8 bits as 0..65535
DROP = "drop"  # `data.alpha: drop`
Shape = tuple[int, int, int]
Range = tuple[float, float]
WHITE = (255, 255, 255)
BYTES: Range = (0, 255)
WORDS: Range = (0, 65535)
BITS = (8, 10, 12, 14, 16)  # depths of cameras and scanners
TOPS = (1.0, 255.0, 65535.0)  # the value of white in images of floats


@dataclass(frozen=True)
class Decoding:
    """The shape `(C, H, W)` and the options by which every image of a data set is decoded.

    `fit` is `crop` (the shorter side resized, the middle taken) or `stretch`. `background` is the colour behind transparent pixels; None
    leaves alpha out. `integers` and `floats` are the values that become 0 and 255 in images of more than 8 bits.
    """

    shape: Shape
    fit: str = "crop"
    background: tuple[int, int, int] | None = WHITE
    integers: Range = WORDS
    floats: Range = (0, 1)

    def name_changes(self, facts: ImageFacts) -> str:
        """Return what makes a file's pixels other than those of decoding 1; empty where they are equal.

        It is part of the file's identity in the data's digest and in the cache of decoded images, so both stay what they were wherever
        the pixels do.
        """
        if not facts.traits:
            return ""
        changes = []
        if facts.traits & Trait.TURNED:
            changes.append("turned")
        if self.background is not None and facts.traits & (Trait.RECOLOURED if self.background == WHITE else Trait.TRANSPARENT):
            changes.append(f"on {self.background}")
        if facts.traits & Trait.INTEGERS and self.integers != WORDS:
            changes.append(f"from {self.integers}")
        if facts.traits & Trait.FLOATS and self.floats != BYTES:
            changes.append(f"from {self.floats}")
        return f"decoding {VERSION}: {', '.join(changes)}" if changes else ""


def parse_background(text: str) -> tuple[int, int, int] | None:
    """Return the colour that `data.alpha` names, None for `drop`. Raises ValueError for what is no colour."""
    if text == DROP:
        return None
    red, green, blue = ImageColor.getrgb(text)[:3]
    return red, green, blue


def choose_decoding(
    shape: Shape, facts: Iterable[ImageFacts], fit: str = "crop", alpha: str = "white", levels: Sequence[float] | None = None
) -> Decoding:
    """Return the decoding of a set with these images; `levels` (`data.levels`) wins over the range of the images' own values."""
    deep = [one for one in facts if one.traits & (Trait.INTEGERS | Trait.FLOATS)]
    if levels is not None:
        integers = floats = (levels[0], levels[1])
    else:
        integers = choose_integer_range([one for one in deep if one.traits & Trait.INTEGERS])
        floats = choose_float_range([one for one in deep if one.traits & Trait.FLOATS])
    return Decoding(shape, fit, parse_background(alpha), integers, floats)


def choose_integer_range(facts: Sequence[ImageFacts]) -> Range:
    """Return 0 and the largest value of the fewest bits, 8 to 16, that hold all values; without such bits the values' own range."""
    if not facts:
        return WORDS
    low, high = min(one.low for one in facts), max(one.high for one in facts)
    if low < 0 or high > WORDS[1]:
        return widen_range(low, high)
    return 0, next(2**bits - 1 for bits in BITS if high < 2**bits)


def choose_float_range(facts: Sequence[ImageFacts]) -> Range:
    """Return 0..1, 0..255 or 0..65535 where the values are in its upper half too; otherwise the values' own range."""
    if not facts:
        return 0, 1
    low, high = min(one.low for one in facts), max(one.high for one in facts)
    top = next((top for top in TOPS if low >= 0 and top / 2 < high <= top), None)
    return widen_range(low, high) if top is None else (0, top)


def widen_range(low: float, high: float) -> Range:
    """Return a range that is not empty, for images that hold one value only."""
    return (low, high) if high > low else (low, low + 1)
