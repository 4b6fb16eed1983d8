"""An SVG as a reader sees it: boxes, ways of edges and texts with their places, taken from the file alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from blockspace.drawing.font import measure_text

NS = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass
class Rect:
    name: str
    kind: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Rect, slack: float = 0.15) -> bool:
        return (
            min(self.right, other.right) - max(self.left, other.left) > slack
            and min(self.bottom, other.bottom) - max(self.top, other.top) > slack
        )

    def holds(self, other: Rect) -> bool:
        return self.left <= other.left and self.right >= other.right and self.top <= other.top and self.bottom >= other.bottom

    def touches(self, x: float, y: float, slack: float = 0.2) -> bool:
        """Whether a point lies on the border."""
        inside = self.left - slack <= x <= self.right + slack and self.top - slack <= y <= self.bottom + slack
        border = min(abs(x - self.left), abs(x - self.right), abs(y - self.top), abs(y - self.bottom))
        return inside and border <= slack + 9.5  # the slanted sides of a split lean in by 9


@dataclass
class Way:
    source: str | None
    target: str | None
    points: list[tuple[float, float]]

    def stretches(self):
        return zip(self.points, self.points[1:])


class Seen:
    """What is in a picture."""

    def __init__(self, svg: str):
        self.root = ElementTree.fromstring(svg)
        self.boxes = [rect(g) for g in self.root.iter(f"{NS}g") if g.get("data-unit")]
        self.frames = [box for box in self.boxes if box.kind == "block"]
        self.leaves = [box for box in self.boxes if box.kind != "block"]
        edges = [path for path in self.root.iter(f"{NS}path") if path.get("class", "").startswith("edge")]
        self.ways = [Way(p.get("data-from"), p.get("data-to"), points(p.get("d"))) for p in edges]
        self.texts = [text for text in self.root.iter(f"{NS}text")]
        self.small = [text for text in self.texts if "small" in text.get("class") and text.get("x") != "0"]

    def words(self) -> list[str]:
        return [text.text for text in self.texts]

    def box(self, name: str) -> Rect:
        return next(box for box in self.leaves if box.name == name)

    def titles(self) -> dict[str, str]:
        """What each unit says when pointed at."""
        return {g.get("data-unit"): g.find(f"{NS}title").text for g in self.root.iter(f"{NS}g") if g.get("data-unit")}


def rect(group) -> Rect:
    """Where a unit stands: the last outline, which is the front one of a stack."""
    shape = [s for s in group if s.get("class") == "shape"][-1]
    if shape.tag == f"{NS}rect":
        x, y, w, h = (float(shape.get(key)) for key in ("x", "y", "width", "height"))
    else:
        corners = points(shape.get("d"))
        x, y = (min(p[i] for p in corners) for i in (0, 1))
        w, h = max(p[0] for p in corners) - x, max(p[1] for p in corners) - y
    return Rect(group.get("data-unit"), group.get("class"), x, y, x + w, y + h)


def points(d: str) -> list[tuple[float, float]]:
    numbers = [float(found) for found in NUMBER.findall(d)]
    return list(zip(numbers[::2], numbers[1::2]))


def text_rect(text) -> Rect:
    """The room a text beside an edge takes."""
    x, y, w = float(text.get("x")), float(text.get("y")), measure_text(text.text, 10)
    left = x - w if "end" in text.get("class").split() else x
    return Rect(text.text, "text", left, y - 7.5, left + w, y + 1)


def check(svg: str) -> Seen:
    """What holds for every picture: boxes apart, edges from border to border and through no box, texts on no box."""
    seen = Seen(svg)
    for i, a in enumerate(seen.leaves):
        for b in seen.leaves[i + 1 :]:
            assert not a.overlaps(b), f"{a.name} and {b.name} overlap"
        for frame in seen.frames:
            assert frame.holds(a) or not frame.overlaps(a), f"{a.name} lies across the border of {frame.name}"
    for way in seen.ways:
        assert_ends(seen, way)
        assert_free(seen, way)
    for text in map(text_rect, seen.small):
        for box in seen.leaves:
            assert not text.overlaps(box, 0.5), f"the text {text.name!r} lies on {box.name}"
    inside_page(seen)
    return seen


def assert_ends(seen: Seen, way: Way) -> None:
    for name, (x, y) in ((way.source, way.points[0]), (way.target, way.points[-1])):
        if name is not None:
            assert any(box.touches(x, y) for box in seen.boxes if box.name == name), f"{way.source} -> {way.target} ends beside {name}"


def assert_free(seen: Seen, way: Way) -> None:
    for (ax, ay), (bx, by) in way.stretches():
        stretch = Rect("", "", min(ax, bx) - 0.1, min(ay, by) - 0.1, max(ax, bx) + 0.1, max(ay, by) + 0.1)
        for box in seen.leaves:
            crossed = Rect("", "", box.left + 0.3, box.top + 0.3, box.right - 0.3, box.bottom - 0.3)
            slanted = box.name in (way.source, way.target) and box.kind in ("split", "concat", "copy", "join")
            assert slanted or not stretch.overlaps(crossed, 0), f"{way.source} -> {way.target} crosses {box.name}"


def inside_page(seen: Seen) -> None:
    w, h = (float(seen.root.get(key)) - 40 for key in ("width", "height"))
    for box in seen.boxes:
        assert -0.2 <= box.left and box.right <= w + 6.2 and -0.2 <= box.top and box.bottom <= h + 6.2, f"{box.name} is off the page"
    for way in seen.ways:
        assert all(-0.2 <= x <= w + 0.2 and -0.2 <= y <= h + 0.2 for x, y in way.points)
