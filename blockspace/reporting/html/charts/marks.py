"""Marks: a shape and a class of colour for each family, so that neither colour nor shape alone has to be seen."""

from __future__ import annotations

from markupsafe import Markup

from blockspace.reporting.html.text import figure, joined, tag

# outlines around (0, 0), of about equal area
OUTLINES = (
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0Z",  # circle
    "M0-5L4.8 3.6H-4.8Z",  # triangle
    "M-3.6-3.6H3.6V3.6H-3.6Z",  # square
    "M0-5.2L5.2 0L0 5.2L-5.2 0Z",  # diamond
    "M0 5L4.8-3.6H-4.8Z",  # triangle, point down
    "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",  # plus
    "M0-5.4L1.6-1.8L5.2-1.7L2.4 0.7L3.3 4.4L0 2.3L-3.3 4.4L-2.4 0.7L-5.2-1.7L-1.6-1.8Z",  # star
    "M-2.4-4.4H2.4L5 0L2.4 4.4H-2.4L-5 0Z",  # hexagon
)
KINDS = len(OUTLINES)


def outline(place: int, size: float = 1.0) -> str:
    """The path of the family at that place in the order of families."""
    return OUTLINES[place % KINDS]


def mark(place: int, x: float, y: float, *children: object, size: float = 1.0, class_: str = "") -> Markup:
    """One family's mark at (x, y)."""
    scale = f" scale({size:g})" if size != 1 else ""
    where = f"translate({figure(x)} {figure(y)}){scale}"
    return tag("path", *children, d=outline(place), transform=where, class_=f"mark f{place % KINDS} {class_}".strip())


def outlines(families: int) -> Markup:
    """The outlines of the families' marks, and of their finalists', to be used by `placed`: a large chart has a thousand."""
    small = [tag("path", id=f"m{place}", d=outline(place)) for place in range(min(families, KINDS))]
    large = [tag("path", id=f"M{place}", d=outline(place), transform="scale(1.35)") for place in range(min(families, KINDS))]
    return tag("defs", joined(small + large))


def placed(place: int, x: float, y: float, note: str, class_: str = "", large: bool = False) -> Markup:
    """A mark by its outline, with what it says when the mouse is over it."""
    name = f"#{'M' if large else 'm'}{place % KINDS}"
    return tag("use", tag("title", note), href=name, x=x, y=y, class_=f"mark f{place % KINDS} {class_}".strip())


def many(place: int, points: list[tuple[float, float]], class_: str = "") -> Markup:
    """Marks of one family as one small path: dots, for charts where each point need not be told apart."""
    dots = "".join(f"M{figure(x)} {figure(y)}h0" for x, y in points)
    return tag("path", d=dots, class_=f"dots s{place % KINDS} {class_}".strip()) if points else Markup("")


def legend(names: list[tuple[str, int]], x: float, y: float, width: float) -> Markup:
    """Marks with their families' names and numbers of points, in lines no longer than `width`."""
    parts, left, line = [], x, y
    for place, (name, count) in enumerate(names):
        words = f"{name} ({count})"
        room = 22 + 7.2 * len(words)
        if left + room > x + width and left > x:
            left, line = x, line + 18
        parts += [mark(place, left + 6, line - 4), tag("text", words, x=left + 16, y=line, class_="name")]
        left += room
    return joined(parts)
