"""Primitives of a laid-out drawing: boxes, lines of edges, texts, ports, and the `Layout` that holds them.

Inside a layout each edge has a line that crosses no box; combining layouts only joins ports. So a box is never crossed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from blockspace.drawing.font import measure_text
from blockspace.drawing.units import DrawingEdge, DrawingUnit
from blockspace.ops import format_shape

Point = tuple[float, float]

LABEL_SIZE, NOTE_SIZE, SMALL_SIZE = 12, 10, 10  # font sizes of a label, the note below it, and texts at edges
PADDING = 12  # between a text and the border of its box
BADGE_WIDTH = 26  # room for the letter of a block
BAR_HEIGHT = 22  # of a split or concat
BARS = ("split", "concat")  # kinds drawn as a bar as wide as the branches below or above it


@dataclass(eq=False)
class Port:
    """The place where an edge enters a layout at the top or leaves it at the bottom.

    `fresh` is True for an edge that leaves its source inside the layout and carries no text yet; `name` is the name of its branch.
    """

    x: float
    edge: DrawingEdge
    fresh: bool = False
    name: str = ""


@dataclass(eq=False)
class UnitBox:
    """A unit at its place, `w` by `h`; `share` is the share of the total cost that 100 % of heat stands for."""

    unit: DrawingUnit
    x: float
    y: float
    w: float
    h: float
    share: float = 1


@dataclass(eq=False)
class EdgeText:
    """A small text at an edge: `role` is channels or branch; `anchor` is start or end."""

    text: str
    x: float
    y: float
    role: str = "channels"
    anchor: str = "start"


@dataclass(eq=False)
class EdgeLine:
    """A part of the line of an edge, as points from top to bottom."""

    edge: DrawingEdge
    points: list[Point]


@dataclass(eq=False)
class Layout:
    """A part of a drawing that is laid out, `w` by `h`; `axis` is the x of a straight line through it from top to bottom."""

    w: float = 0
    h: float = 0
    axis: float = 0
    tops: list[Port] = field(default_factory=list)
    bottoms: list[Port] = field(default_factory=list)
    boxes: list[UnitBox] = field(default_factory=list)
    lines: list[EdgeLine] = field(default_factory=list)
    texts: list[EdgeText] = field(default_factory=list)

    def shift(self, dx: float, dy: float) -> Layout:
        """Move everything in place; return the same layout."""
        if dx or dy:
            self.axis += dx
            for port in (*self.tops, *self.bottoms):
                port.x += dx
            things: list[UnitBox | EdgeText] = [*self.boxes, *self.texts]
            for thing in things:
                thing.x += dx
                thing.y += dy
            for line in self.lines:
                line.points = [(x + dx, y + dy) for x, y in line.points]
        return self

    def include(self, other: Layout) -> None:
        """Add the boxes, lines and texts of another layout, where they are."""
        self.boxes += other.boxes
        self.lines += other.lines
        self.texts += other.texts

    def add_line(self, edge: DrawingEdge, *points: Point) -> None:
        """Add a part of the line of an edge, unless all its points are one."""
        if any(point != points[0] for point in points):
            self.lines.append(EdgeLine(edge, list(points)))


def lay_out_unit(unit: DrawingUnit, spread: float = 0) -> Layout:
    """Return the layout of a single unit; a split or concat reaches over ports `spread` to each side of its middle."""
    w, h = measure_unit(unit)
    if unit.kind in BARS:
        w = max(w, 2 * spread + 2 * PADDING)
    layout = Layout(w, h, w / 2)
    layout.boxes.append(UnitBox(unit, 0, 0, w, h))
    return layout


def measure_unit(unit: DrawingUnit) -> Point:
    """Return the width and height that the texts of a unit need."""
    label = measure_text(unit.label, LABEL_SIZE, bold=True)
    if unit.kind == "copy":
        return 14, 14
    if unit.kind == "join":
        return max(22, label + 12), 22
    if unit.kind in BARS:
        return label + 2 * PADDING + BAR_HEIGHT, BAR_HEIGHT
    room = 2 * BADGE_WIDTH if unit.mark else 0
    return max(label, measure_text(unit.note, NOTE_SIZE)) + 2 * PADDING + room, 38 if unit.note else 26


def label_edge(edge: DrawingEdge) -> str:
    """Return the text at an edge: its channels, or the whole shape where a block begins or ends."""
    border = any(unit is not None and unit.kind in ("block", "stage") for unit in (edge.source, edge.target))
    return format_shape(edge.value.shape).replace("x", "×") if border else str(edge.value.shape[0])


def measure_edge_text(text: str) -> float:
    """Return how far a text at an edge reaches from it, 0 for an empty text."""
    return measure_text(text, SMALL_SIZE) + 8 if text else 0
