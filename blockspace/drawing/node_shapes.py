"""Write the outlines of units, the lines of edges with rounded corners, and arrow heads as SVG elements and path data."""

from __future__ import annotations

from blockspace.drawing.primitives import Point, UnitBox

SLANT = 9  # how far the sides of a split or concat lean in
CORNER = 6  # radius of an edge's corners
ARROW = 5.5  # length of an arrow head


def write_unit_shape(box: UnitBox, css: str, extra: str = "") -> str:
    """Return the outline of a unit as an SVG element of class `css`, with `extra` attributes.

    A split is a trapezoid that widens downwards, a concat narrows, a copy is a diamond, other merges are circles.
    """
    x, y, w, h = box.x, box.y, box.w, box.h
    kind = box.unit.kind
    if kind == "split":
        points = [(x + SLANT, y), (x + w - SLANT, y), (x + w, y + h), (x, y + h)]
    elif kind == "concat":
        points = [(x, y), (x + w, y), (x + w - SLANT, y + h), (x + SLANT, y + h)]
    elif kind == "copy":
        points = [(x + w / 2, y), (x + w, y + h / 2), (x + w / 2, y + h), (x, y + h / 2)]
    else:
        radius = {"join": h / 2, "input": 13, "output": 13, "block": 10, "stage": 10}.get(kind, 5)
        sizes = zip(("x", "y", "width", "height", "rx"), (x, y, w, h, min(radius, h / 2)))
        attributes = "".join(f' {key}="{format_coordinate(value)}"' for key, value in sizes)
        return f'<rect class="{css}"{attributes}{extra}/>'
    path = "".join(f"{'ML'[i > 0]}{_format_point(point)}" for i, point in enumerate(points))
    return f'<path class="{css}" d="{path}Z" stroke-linejoin="round"{extra}/>'


def write_edge_path(points: list[Point]) -> str:
    """Return the SVG path data of the line through points, corners rounded."""
    points = _simplify_line(points)
    parts = [f"M{_format_point(points[0])}"]
    for before, here, after in zip(points, points[1:], points[2:]):
        r = min(CORNER, _measure_distance(before, here) / 2, _measure_distance(here, after) / 2)
        start, end = _move_towards(here, before, r), _move_towards(here, after, r)
        parts.append(f"L{_format_point(start)}Q{_format_point(here)} {_format_point(end)}")
    return "".join(parts) + f"L{_format_point(points[-1])}"


def write_arrow_head(points: list[Point]) -> str:
    """Return the SVG path data of the arrow head at the end of the line through points."""
    points = _simplify_line(points)
    (ax, ay), (x, y) = points[-2], points[-1]
    length = _measure_distance((ax, ay), (x, y)) or 1
    ux, uy = (x - ax) / length, (y - ay) / length
    bx, by, s = x - ux * ARROW, y - uy * ARROW, ARROW * 0.55
    return f"M{_format_point((x, y))}L{_format_point((bx - uy * s, by + ux * s))}L{_format_point((bx + uy * s, by - ux * s))}Z"


def _simplify_line(points: list[Point]) -> list[Point]:
    """Return the points without repeats and without those in the middle of a straight stretch."""
    kept: list[Point] = []
    for point in points:
        if kept and _measure_distance(kept[-1], point) < 0.01:
            continue
        if len(kept) > 1 and _is_straight(kept[-2], kept[-1], point):
            kept[-1] = point
        else:
            kept.append(point)
    return kept if len(kept) > 1 else [points[0], points[-1]]


def _is_straight(a: Point, b: Point, c: Point) -> bool:
    """Return whether three points lie on one straight line."""
    return abs((b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])) < 0.01


def _measure_distance(a: Point, b: Point) -> float:
    """Return the distance of two points along the axes, as lines are horizontal or vertical."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _move_towards(a: Point, b: Point, r: float) -> Point:
    """Return the point at distance `r` from `a` in the direction of `b`."""
    length = _measure_distance(a, b) or 1
    return a[0] + (b[0] - a[0]) * r / length, a[1] + (b[1] - a[1]) * r / length


def _format_point(point: Point) -> str:
    """Return the two coordinates of a point, separated by a space."""
    return f"{format_coordinate(point[0])} {format_coordinate(point[1])}"


def format_coordinate(number: float) -> str:
    """Return a coordinate rounded to a tenth."""
    return f"{number:.1f}".removesuffix(".0")
