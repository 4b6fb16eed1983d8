"""The channels and the size that all images of a data set are brought to, and lines on what that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from blockspace.data.decoding import Decoding, Range, Shape
from blockspace.data.image_facts import ImageFacts, Trait
from blockspace.errors import error


def decide_shape(facts: Sequence[ImageFacts], size: int | None = None, channels: int | None = None) -> Shape:
    """Return `(C, H, W)` as the options say, else as all images together do: in colour if one is, at the size that most have.

    Where no size has half of the images, it is the median height and the median width. Raises BlockspaceError (E-DATA) for arrays whose
    channels differ and are not grey and RGB.
    """
    counts = {one.channels for one in facts}
    if len(counts) > 1 and not counts <= {1, 3}:
        found = ", ".join(map(str, sorted(counts)))
        raise error("E-DATA", f"images have {found} channels", help="give all of them the same number, or grey (1) and RGB (3)")
    sizes = Counter((one.height, one.width) for one in facts)
    (height, width), most = min(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
    if 2 * most < len(facts):
        middle = (len(facts) - 1) // 2
        height, width = sorted(one.height for one in facts)[middle], sorted(one.width for one in facts)[middle]
    return channels or max(counts), size or height, size or width


def describe_decoding(
    facts: Sequence[ImageFacts], decoding: Decoding, alpha: str, sized: bool = True, counted: bool = True
) -> Iterator[str]:  # fmt: skip
    """Yield a line for each thing that is done to some images and not to others.

    `sized` and `counted` say whether size and channels were decided by the images, rather than given.
    """
    total = len(facts)
    grey = sum(one.channels == 1 for one in facts)
    if counted and 0 < grey < total:
        yield f"{count_images(grey, total)} grey, the others in colour: all are read as RGB; data.channels: 1 makes all grey"
    if sized and (sizes := Counter((one.height, one.width) for one in facts)).keys() != {decoding.shape[1:]}:
        yield describe_sizes(sizes, decoding)
    yield from describe_alpha(facts, decoding, alpha)
    if integers := [one for one in facts if one.traits & Trait.INTEGERS]:
        yield describe_range(integers, total, "of more than 8 bits", decoding.integers)
    if floats := [one for one in facts if one.traits & Trait.FLOATS]:
        yield describe_range(floats, total, "of floats", decoding.floats)
    if turned := count_trait(facts, Trait.TURNED):
        yield f"{count_images(turned, total)} turned, as the EXIF orientation says"
    if frames := count_trait(facts, Trait.FRAMES):
        yield f"{count_images(frames, total, 'has', 'have')} several frames or pages: the first is read"


def count_trait(facts: Sequence[ImageFacts], trait: Trait) -> int:
    """Return how many images have a trait."""
    return sum(bool(one.traits & trait) for one in facts)


def count_images(count: int, total: int, one: str = "is", more: str = "are") -> str:
    """Return `1 of 40 images is`, or `all 40 images are`."""
    return f"all {total:,} images {more}" if count == total > 1 else f"{count:,} of {total:,} images {one if count == 1 else more}"


def describe_sizes(sizes: Counter[tuple[int, int]], decoding: Decoding) -> str:
    """Return the line on images of several sizes, `(height, width)`."""
    total, shape = sum(sizes.values()), decoding.shape[1:]
    other = total - sizes[shape[0], shape[1]]
    ordered = sorted(sizes, key=lambda one: (one[0] * one[1], one))
    low, high = (f"{height}x{width}" for height, width in (ordered[0], ordered[-1]))
    how = "resized and cropped" if decoding.fit == "crop" else "stretched"
    chosen = "the size of most" if 2 * sizes[shape[0], shape[1]] >= total else "the median height and width"
    are = "have another size" if other != 1 else "has another size"
    return (
        f"{other:,} of {total:,} images {are} ({low} to {high}, height x width) and {'is' if other == 1 else 'are'} {how} to "
        f"{shape[0]}x{shape[1]}, {chosen}; data.size chooses"
    )


def describe_alpha(facts: Sequence[ImageFacts], decoding: Decoding, alpha: str) -> Iterator[str]:
    """Yield the line on transparent pixels."""
    if transparent := count_trait(facts, Trait.TRANSPARENT):
        have = f"{count_images(transparent, len(facts), 'has', 'have')} transparent pixels"
        yield f"{have}: {'alpha is left out' if decoding.background is None else f'shown on {alpha}'}; data.alpha chooses"


def describe_range(deep: Sequence[ImageFacts], total: int, what: str, levels: Range) -> str:
    """Return the line on images of more than 8 bits."""
    low, high = min(one.low for one in deep), max(one.high for one in deep)
    values = f"{count_images(len(deep), total)} {what}, {low:,.6g} to {high:,.6g}"
    return f"{values}: {levels[0]:,.6g} becomes black and {levels[1]:,.6g} white; data.levels chooses"
