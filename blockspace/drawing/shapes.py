"""Shapes: the outline of each kind of unit, and edges with rounded corners, as SVG elements."""

from __future__ import annotations

from blockspace.drawing.piece import Box, Point

CUT = 9  # how far the slanted sides of a split or concat lean in
CORNER = 6  # radius of an edge's corners
TIP = 5.5  # length of an arrow's head


def outline(box: Box, css: str, extra: str = "") -> str:
    """The shape of a unit: a split is a trapezoid that widens downwards, a concat narrows, copy is a diamond, other merges are circles."""
    x, y, w, h = box.x, box.y, box.w, box.h
    kind = box.unit.kind
    if kind == "split":
        points = [(x + CUT, y), (x + w - CUT, y), (x + w, y + h), (x, y + h)]
    elif kind == "concat":
        points = [(x, y), (x + w, y), (x + w - CUT, y + h), (x + CUT, y + h)]
    elif kind == "copy":
        points = [(x + w / 2, y), (x + w, y + h / 2), (x + w / 2, y + h), (x, y + h / 2)]
    else:
        radius = {"join": h / 2, "input": 13, "output": 13, "block": 10, "stage": 10}.get(kind, 5)
        return f'<rect class="{css}" x="{n(x)}" y="{n(y)}" width="{n(w)}" height="{n(h)}" rx="{n(min(radius, h / 2))}"{extra}/>'
    path = "".join(f"{'ML'[i > 0]}{n(px)} {n(py)}" for i, (px, py) in enumerate(points))
    return f'<path class="{css}" d="{path}Z" stroke-linejoin="round"{extra}/>'


def way(points: list[Point]) -> str:
    """The path through points, corners rounded."""
    points = straightened(points)
    parts = [f"M{n(points[0][0])} {n(points[0][1])}"]
    for before, here, after in zip(points, points[1:], points[2:]):
        r = min(CORNER, distance(before, here) / 2, distance(here, after) / 2)
        (ax, ay), (bx, by) = towards(here, before, r), towards(here, after, r)
        parts.append(f"L{n(ax)} {n(ay)}Q{n(here[0])} {n(here[1])} {n(bx)} {n(by)}")
    return "".join(parts) + f"L{n(points[-1][0])} {n(points[-1][1])}"


def straightened(points: list[Point]) -> list[Point]:
    """The points without repeats and without those in the middle of a straight stretch."""
    kept: list[Point] = []
    for point in points:
        if kept and distance(kept[-1], point) < 0.01:
            continue
        if len(kept) > 1 and level(kept[-2], kept[-1], point):
            kept[-1] = point
        else:
            kept.append(point)
    return kept if len(kept) > 1 else [points[0], points[-1]]


def level(a: Point, b: Point, c: Point) -> bool:
    return abs((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])) < 0.01


def distance(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])  # ways are level or upright


def towards(a: Point, b: Point, r: float) -> Point:
    """The point `r` from `a` on the way to `b`."""
    length = distance(a, b) or 1
    return a[0] + (b[0] - a[0]) * r / length, a[1] + (b[1] - a[1]) * r / length


def tip(points: list[Point]) -> str:
    """The head of an arrow at the end of a way."""
    points = straightened(points)
    (ax, ay), (x, y) = points[-2], points[-1]
    length = distance((ax, ay), (x, y)) or 1
    ux, uy = (x - ax) / length, (y - ay) / length
    bx, by, s = x - ux * TIP, y - uy * TIP, TIP * 0.55
    return f"M{n(x)} {n(y)}L{n(bx - uy * s)} {n(by + ux * s)}L{n(bx + uy * s)} {n(by - ux * s)}Z"


def n(number: float) -> str:
    """A coordinate, to a tenth."""
    return f"{number:.1f}".removesuffix(".0")
