"""Pieces: parts of a picture that are already laid out, with the places where edges enter at the top and leave at the bottom.

Inside a piece each edge has a way that crosses no box; who puts pieces together only joins ports. So no box is ever crossed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from blockspace.drawing.units import Edge, Unit

Point = tuple[float, float]


@dataclass(eq=False)
class Port:
    """Where an edge enters or leaves a piece. `fresh`: it comes out of this piece and carries no text yet; `name` is its branch's."""

    x: float
    edge: Edge
    fresh: bool = False
    name: str = ""


@dataclass(eq=False)
class Box:
    """A unit at its place; `share` is that of the whole whose costs its colour compares it with."""

    unit: Unit
    x: float
    y: float
    w: float
    h: float
    share: float = 1


@dataclass(eq=False)
class Text:
    """A small text: `role` is channels or branch; `anchor` start or end."""

    text: str
    x: float
    y: float
    role: str = "channels"
    anchor: str = "start"


@dataclass(eq=False)
class Run:
    """A part of an edge's way: points from above to below."""

    edge: Edge
    points: list[Point]


@dataclass(eq=False)
class Piece:
    """`w` by `h`; `axis` is the x that a trunk through it would have."""

    w: float = 0
    h: float = 0
    axis: float = 0
    tops: list[Port] = field(default_factory=list)
    bottoms: list[Port] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def moved(self, dx: float, dy: float) -> Piece:
        """The same piece, shifted in place."""
        if dx or dy:
            self.axis += dx
            for port in (*self.tops, *self.bottoms):
                port.x += dx
            things: list[Box | Text] = [*self.boxes, *self.texts]
            for thing in things:
                thing.x += dx
                thing.y += dy
            for run in self.runs:
                run.points = [(x + dx, y + dy) for x, y in run.points]
        return self

    def take(self, other: Piece) -> None:
        """Add what another piece shows, where it is."""
        self.boxes += other.boxes
        self.runs += other.runs
        self.texts += other.texts

    def line(self, edge: Edge, *points: Point) -> None:
        """A part of an edge's way, if it has a length."""
        if any(point != points[0] for point in points):
            self.runs.append(Run(edge, list(points)))
