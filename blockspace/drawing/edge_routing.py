"""Route the edges of a layered layout through channels between columns and gaps between layers, which are free of boxes.

An edge that is not straight turns on a track of a channel or gap. Routes are symbolic at first (this side of that cell, that track); tracks
get their numbers when all routes are known.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import combinations

from blockspace.drawing.layer_assignment import GridCell, LayerGrid
from blockspace.drawing.units import DrawingEdge


@dataclass(frozen=True)
class ColumnX:
    """The x of the centre of a column."""

    col: int


@dataclass(frozen=True)
class ChannelX:
    """The x of a value's track in a channel."""

    channel: int
    key: Hashable


@dataclass(frozen=True)
class SideX:
    """The x of the left or right side of a cell."""

    cell: GridCell
    side: str


@dataclass(frozen=True)
class BorderY:
    """The y of the top or bottom of the whole layout."""

    top: bool


@dataclass(frozen=True)
class GapY:
    """The y of a value's track in a gap."""

    gap: int
    key: Hashable


@dataclass(frozen=True)
class CellY:
    """The y of the top, middle or bottom of a cell."""

    cell: GridCell
    at: str


@dataclass(frozen=True)
class SideY:
    """The y of one of the values at a side of a cell, the `rank`-th that leaves (below the middle) or enters (above it)."""

    cell: GridCell
    side: str
    leaves: bool
    rank: int


RouteX = ColumnX | ChannelX | SideX
RouteY = BorderY | GapY | CellY | SideY
RoutePoint = tuple[RouteX, RouteY]


class EdgeRouter:
    """Routes of edges through a grid, and the tracks they take.

    `channels` and `gaps` hold the tracks of each; `sides` the values that leave (True) or enter (False) at a side of a cell, in order.
    """

    def __init__(self, grid: LayerGrid):
        self.grid = grid
        self.channels = [RoutingTracks() for _ in range(len(grid.columns) + 1)]
        self.gaps = [RoutingTracks() for _ in range(grid.layers)]
        self.sides: dict[tuple[GridCell, str, bool], list[Hashable]] = {}

    def route(self, edge: DrawingEdge) -> list[RoutePoint]:
        """Return the points of an edge's route, and reserve its tracks."""
        source, target = self.grid.cell_of.get(edge.source), self.grid.cell_of.get(edge.target)
        if target is None:
            return self._route_leaving(edge, self.grid.cell_of[edge.source])
        if source is None:
            return self._route_entering(edge, target)
        if edge is source.below:
            return [(ColumnX(source.col), CellY(source, "bottom")), (ColumnX(source.col), CellY(target, "top"))]
        if source.layer == target.layer and self.grid.runs_level(edge):
            return [(SideX(source, "right"), CellY(source, "middle")), (SideX(target, "left"), CellY(target, "middle"))]
        return self._route_across(edge, source, target)

    def _route_entering(self, edge: DrawingEdge, target: GridCell) -> list[RoutePoint]:
        """Route from the top down the column where it is free, else down the channel to its left."""
        if edge is target.above:
            return [(ColumnX(target.col), BorderY(top=True)), (ColumnX(target.col), CellY(target, "top"))]
        track = self._reserve_channel(target.col, -1, 2 * target.layer, (edge.value.name, id(edge)))
        return [(track, BorderY(top=True)), *self._enter_side(track, target, "left", edge)]

    def _route_leaving(self, edge: DrawingEdge, source: GridCell) -> list[RoutePoint]:
        """Route to the bottom, down the column below its last cell, else down the channel to its right."""
        if edge is source.below:
            return [(ColumnX(source.col), CellY(source, "bottom")), (ColumnX(source.col), BorderY(top=False))]
        start, height = self._leave_cell(edge, source, source.col + 1)
        track = self._reserve_channel(source.col + 1, height, 2 * self.grid.layers, (edge.value.name, id(edge)))
        return [*start, (track, start[-1][1]), (track, BorderY(top=False))]

    def _route_across(self, edge: DrawingEdge, source: GridCell, target: GridCell) -> list[RoutePoint]:
        """Route out of a side, down a channel, along the gap above the target if that is further off, and in at its side or top."""
        right = target.col >= source.col
        out = source.col + 1 if right else source.col
        start, height = self._leave_cell(edge, source, out)
        end = _choose_entry_channel(target, source, right)
        gap = target.layer - 1
        if end == out:
            track = self._reserve_channel(out, height, 2 * target.layer, edge.value.name)
            return [*start, (track, start[-1][1]), *self._enter_side(track, target, "left" if target.col == out else "right", edge)]
        below = isinstance(start[-1][1], GapY) and source.layer == gap
        points = list(start)
        if not below:
            track = self._reserve_channel(out, height, 2 * gap + 1, edge.value.name)
            points.append((track, start[-1][1]))
        a, b = 2 * source.col + 1 if below else 2 * out, 2 * target.col + 1 if end is None else 2 * end
        level = self._reserve_gap(gap, a, b, edge.value.name)
        points.append((points[-1][0], level))
        if end is None:
            return [*points, (ColumnX(target.col), level), (ColumnX(target.col), CellY(target, "top"))]
        last = self._reserve_channel(end, 2 * gap + 1, 2 * target.layer, edge.value.name)
        return [*points, (last, level), *self._enter_side(last, target, "left" if end == target.col else "right", edge)]

    def _leave_cell(self, edge: DrawingEdge, source: GridCell, channel: int) -> tuple[list[RoutePoint], int]:
        """Return the first points out of a cell, at its side or below it, and their height in half layers."""
        if source.open:
            side = "right" if channel == source.col + 1 else "left"
            rank = self._rank_at_side(source, side, True, edge.value.name)
            return [(SideX(source, side), SideY(source, side, True, rank))], 2 * source.layer
        level = self._reserve_gap(source.layer, 2 * source.col + 1, 2 * channel, edge.value.name)
        return [(ColumnX(source.col), CellY(source, "bottom")), (ColumnX(source.col), level)], 2 * source.layer + 1

    def _enter_side(self, track: ChannelX, target: GridCell, side: str, edge: DrawingEdge) -> list[RoutePoint]:
        """Return the last points of a route, from a track to the side of its target."""
        height = SideY(target, side, False, self._rank_at_side(target, side, False, (edge.value.name, edge.slot)))
        return [(track, height), (SideX(target, side), height)]

    def _rank_at_side(self, cell: GridCell, side: str, leaves: bool, key: Hashable) -> int:
        """Return the number of a value at a side of a cell, in the order in which they were asked for."""
        keys = self.sides.setdefault((cell, side, leaves), [])
        if key not in keys:
            keys.append(key)
        return keys.index(key)

    def _reserve_channel(self, channel: int, top: int, bottom: int, key: Hashable) -> ChannelX:
        """Reserve a track of a channel between two heights, in half layers."""
        self.channels[channel].reserve(top, bottom, key)
        return ChannelX(channel, key)

    def _reserve_gap(self, gap: int, a: int, b: int, key: Hashable) -> GapY:
        """Reserve a track of a gap between two places, in half columns."""
        self.gaps[gap].reserve(a, b, key)
        return GapY(gap, key)


def _choose_entry_channel(target: GridCell, source: GridCell, right: bool) -> int | None:
    """Return the channel from which an edge enters its target at a side; None for a target that is entered from above."""
    if not target.merges:
        return None
    if target.col == source.col:
        return target.col + 1
    return target.col if right else target.col + 1


class RoutingTracks:
    """Parallel tracks of a channel or gap; stretches of one value share a track, those of different values overlap on none."""

    def __init__(self) -> None:
        self.spans: dict[Hashable, tuple[int, int]] = {}
        self._numbers: dict[Hashable, int] | None = None

    def reserve(self, low: int, high: int, key: Hashable) -> None:
        """Reserve a stretch for the value `key`, in addition to those it has."""
        low, high = min(low, high), max(low, high)
        known = self.spans.get(key, (low, high))
        self.spans[key] = (min(low, known[0]), max(high, known[1]))

    @property
    def numbers(self) -> dict[Hashable, int]:
        """Return the track of each value, from 0: the first that is free over all its stretches (greedy interval colouring)."""
        if self._numbers is None:
            import networkx

            overlaps = networkx.Graph()
            overlaps.add_nodes_from(self.spans)
            pairs = combinations(self.spans.items(), 2)
            overlaps.add_edges_from((a, b) for (a, (low, high)), (b, (start, end)) in pairs if low <= end and start <= high)
            self._numbers = networkx.greedy_color(overlaps, lambda graph, colours: list(graph))
        return self._numbers

    def count(self) -> int:
        """Return the number of tracks."""
        return 1 + max(self.numbers.values(), default=-1)
