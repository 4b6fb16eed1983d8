"""Ladders: what does not come apart into branches, because parts carry to each other, as columns and layers.

Between columns lie channels and between layers gaps, free of boxes: every edge that is not straight turns there, on a track of its own.
A way is written in symbols first (this side of that cell, that track); tracks are given out when all ways are known.
"""

from __future__ import annotations

from collections.abc import Callable

from blockspace.drawing.grid import Cell, Grid
from blockspace.drawing.leaves import caption, reach
from blockspace.drawing.piece import Piece, Port, Text
from blockspace.drawing.tracks import Tracks
from blockspace.drawing.units import Edge, Unit

GAP, BETWEEN, EDGE = 28, 22, 8  # height of a gap and width of a channel without tracks; from a channel's border to its tracks


def ladder(units: list[Unit], edges: list[Edge], region: Callable, place: Callable, name: Callable[[list[Unit]], str]) -> Piece:
    """Lay out connected units and the edges that touch them; `name` says what a column is called."""
    grid = Grid(units, edges, region, place)
    ways = Ways(grid)
    lines = [(edge, ways.way(edge)) for edge in grid.edges]
    return Sheet(grid, ways, name).drawn(lines)


class Ways:
    """The ways of edges through a grid in symbols, and the tracks they take."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self.channels = [Tracks() for _ in range(len(grid.columns) + 1)]
        self.gaps = [Tracks() for _ in range(grid.layers)]
        self.sides: dict[tuple[Cell, str], list] = {}  # what enters or leaves at a side, in order

    def way(self, edge: Edge) -> list[tuple]:
        """Symbolic points: (x, y) with x a column, track or side, and y the top, the bottom, a track, or a height at a cell."""
        source, target = self.grid.of.get(edge.source), self.grid.of.get(edge.target)
        if target is None:
            return self.leaving(edge, self.grid.of[edge.source])
        if source is None:
            return self.entering(edge, target)
        if edge is source.below:
            return [(("col", source.col), ("below", source)), (("col", source.col), ("above", target))]
        if source.layer == target.layer and self.grid.flat(edge):
            return [(("right", source), ("middle", source)), (("left", target), ("middle", target))]
        return self.across(edge, source, target)

    def entering(self, edge: Edge, target: Cell) -> list[tuple]:
        """From the top down the column, where it is free; else down the channel beside it."""
        if edge is target.above:
            return [(("col", target.col), ("top",)), (("col", target.col), ("above", target))]
        track = self.vertical(target.col, -1, 2 * target.layer, (edge.value.name, id(edge)))
        return [(track, ("top",)), *self.sideways(track, target, "left", edge)]

    def leaving(self, edge: Edge, source: Cell) -> list[tuple]:
        """To the bottom down the column below its last cell; else down the channel to the right."""
        column = self.grid.columns[source.col]
        first = next(e for e in source.leaving if e.target not in self.grid.of)
        if source is column[-1] and edge is first:
            return [(("col", source.col), ("below", source)), (("col", source.col), ("bottom",))]
        start, height = self.start(edge, source, source.col + 1)
        track = self.vertical(source.col + 1, height, 2 * self.grid.layers, (edge.value.name, id(edge)))
        return [*start, (track, start[-1][1]), (track, ("bottom",))]

    def across(self, edge: Edge, source: Cell, target: Cell) -> list[tuple]:
        """Out at a side, down a channel, along the gap above the target if that is further off, and in at its side or top."""
        right = target.col >= source.col
        out = source.col + 1 if right else source.col
        start, height = self.start(edge, source, out)
        end = self.end(target, source, right)
        gap = target.layer - 1
        if end == out:
            track = self.vertical(out, height, 2 * target.layer, edge.value.name)
            return [*start, (track, start[-1][1]), *self.sideways(track, target, "left" if target.col == out else "right", edge)]
        below = start[-1][1][0] == "gap" and source.layer == gap
        points = list(start)
        if not below:
            track = self.vertical(out, height, 2 * gap + 1, edge.value.name)
            points.append((track, start[-1][1]))
        a, b = 2 * source.col + 1 if below else 2 * out, 2 * target.col + 1 if end is None else 2 * end
        level = self.horizontal(gap, a, b, edge.value.name)
        points.append((points[-1][0], level))
        if end is None:
            return [*points, (("col", target.col), level), (("col", target.col), ("above", target))]
        last = self.vertical(end, 2 * gap + 1, 2 * target.layer, edge.value.name)
        return [*points, (last, level), *self.sideways(last, target, "left" if end == target.col else "right", edge)]

    def end(self, target: Cell, source: Cell, right: bool) -> int | None:
        """The channel from which an edge enters its target at a side; None for a target that is entered from above."""
        if not target.merges:
            return None
        if target.col == source.col:
            return target.col + 1
        return target.col if right else target.col + 1

    def start(self, edge: Edge, source: Cell, channel: int) -> tuple[list[tuple], int]:
        """The first points of a way out of a cell, and their height in half layers: at its side, or below it where that is closed."""
        if source.open:
            side = "right" if channel == source.col + 1 else "left"
            rank = self.rank(source, side, edge.value.name)
            return [((side, source), ("out", source, side, rank))], 2 * source.layer
        level = self.horizontal(source.layer, 2 * source.col + 1, 2 * channel, edge.value.name)
        return [(("col", source.col), ("below", source)), (("col", source.col), level)], 2 * source.layer + 1

    def sideways(self, track, target: Cell, side: str, edge: Edge) -> list[tuple]:
        rank = self.rank(target, f"into {side}", (edge.value.name, edge.slot))
        height = ("in", target, side, rank)
        return [(track, height), ((side, target), height)]

    def rank(self, cell: Cell, side: str, key) -> int:
        """The number of a value at a side of a cell."""
        known = self.sides.setdefault((cell, side), [])
        if key not in known:
            known.append(key)
        return known.index(key)

    def vertical(self, channel: int, top: int, bottom: int, key) -> tuple:
        return ("channel", channel, self.channels[channel].add(top, bottom, key))

    def horizontal(self, gap: int, a: int, b: int, key) -> tuple:
        return ("gap", gap, self.gaps[gap].add(min(a, b), max(a, b), key))


class Sheet:
    """A grid with sizes: where columns, channels, layers, gaps and tracks lie."""

    def __init__(self, grid: Grid, ways: Ways, name: Callable):
        self.grid, self.ways, self.name = grid, ways, name
        self.piece = Piece()
        self.widths()
        self.heights()
        self.piece.w, self.piece.h = self.edges_x[-1], self.bottom

    def widths(self) -> None:
        """Centres of columns and left borders of channels."""
        x, self.centre, self.edges_x, self.tracks_x = 0.0, [], [], []
        for col in range(len(self.grid.columns) + 1):
            tracks = self.ways.channels[col].count()
            left, right = self.texts_in(col)
            inner = 0 < col < len(self.grid.columns)
            self.tracks_x.append(x + left + EDGE)
            wanted = left + right + EDGE * (tracks + 1) if tracks or left or right else 0
            x += max(wanted, BETWEEN if inner else 0)
            if col < len(self.grid.columns):
                column = self.grid.columns[col]
                texts = [reach(self.name(self.units(column))), *(reach(caption(e)) for c in column for e in (*c.entering, *c.leaving))]
                self.centre.append(x + max(*(c.piece.axis for c in column), *texts))
                x = self.centre[-1] + max(*(c.piece.w - c.piece.axis for c in column), *texts)
            self.edges_x.append(x)

    def texts_in(self, channel: int) -> tuple[float, float]:
        """Room for texts of values that leave at a side into a channel, at its left and its right."""
        found = {"right": 0.0, "left": 0.0}
        for edge in self.grid.edges:
            source, target = self.grid.of.get(edge.source), self.grid.of.get(edge.target)
            if source is None or edge is source.below or not source.open or self.straight_out(edge, source, target):
                continue
            side = "right" if target is None or target.col >= source.col else "left"
            if channel == source.col + (side == "right"):
                found[side] = max(found[side], reach(caption(edge)))
        return found["right"], found["left"]

    def straight_out(self, edge: Edge, source: Cell, target: Cell | None) -> bool:
        """Whether an edge leaves the ladder straight down its column."""
        first = next((e for e in source.leaving if e.target not in self.grid.of), None)
        return target is None and source is self.grid.columns[source.col][-1] and edge is first

    @staticmethod
    def units(column: list[Cell]) -> list[Unit]:
        return [unit for cell in column for unit in cell.units]

    def heights(self) -> None:
        """Tops and heights of layers, and of the gaps below them."""
        y, self.top, self.high, self.gap_y = 0.0, [], [], []
        for layer in range(self.grid.layers):
            self.top.append(y)
            self.high.append(max(cell.piece.h for cell in self.grid.cells if cell.layer == layer))
            y += self.high[-1]
            self.gap_y.append(y + EDGE)
            tracks = self.ways.gaps[layer].count()
            last = layer == self.grid.layers - 1
            y += tracks * EDGE + (EDGE if tracks else 0) if last else GAP + tracks * EDGE
        self.bottom = y

    def drawn(self, lines: list[tuple[Edge, list[tuple]]]) -> Piece:
        """The piece."""
        for cell in self.grid.cells:
            y = self.top[cell.layer] + (self.high[cell.layer] - cell.piece.h) / 2
            cell.piece.moved(self.centre[cell.col] - cell.piece.axis, y)
            self.piece.take(cell.piece)
        for edge, way in lines:
            points = [(self.x(x), self.y(y)) for x, y in way]
            self.piece.line(edge, *points)
            self.text(edge, way, points)
        ports = [port.x for port in (*self.piece.tops, *self.piece.bottoms)]
        self.piece.axis = (min(ports) + max(ports)) / 2
        return self.piece

    def text(self, edge: Edge, way: list[tuple], points: list) -> None:
        """The edge's channels where it leaves its source, and its port where it enters or leaves the ladder."""
        source = self.grid.of.get(edge.source)
        fresh = False
        if source is not None:
            (x, y), (side, *_) = points[0], way[0][0]
            if side in ("right", "left"):
                away = 4 if side == "right" else -4
                self.piece.texts.append(Text(caption(edge), x + away, y - 4, anchor="start" if side == "right" else "end"))
            elif edge.target in self.grid.of:
                self.piece.texts.append(Text(caption(edge), x + 5, y + 18))
            else:
                fresh = True
        if way[0][1] == ("top",):
            column = self.grid.columns[self.grid.of[edge.target].col]
            self.piece.tops.append(Port(points[0][0], edge, name=self.name(self.units(column))))
        if way[-1][1] == ("bottom",):
            self.piece.bottoms.append(Port(points[-1][0], edge, fresh))

    def x(self, symbol: tuple) -> float:
        kind, where, *rest = symbol
        if kind == "col":
            return self.centre[where]
        if kind == "channel":
            return self.tracks_x[where] + EDGE * self.ways.channels[where].of(rest[0])
        box = where.piece.boxes[0]
        return box.x + (box.w if kind == "right" else 0)

    def y(self, symbol: tuple) -> float:
        kind, *rest = symbol
        if kind in ("top", "bottom"):
            return 0 if kind == "top" else self.bottom
        if kind == "gap":
            return self.gap_y[rest[0]] + EDGE * self.ways.gaps[rest[0]].of(rest[1])
        top = self.top[rest[0].layer] + (self.high[rest[0].layer] - rest[0].piece.h) / 2
        height = rest[0].piece.h
        if kind in ("above", "below"):
            return top + (height if kind == "below" else 0)
        return top + height / 2 + self.offset(kind, height, *rest)

    def offset(self, kind: str, height: float, cell: Cell, side: str = "", rank: int = 0) -> float:
        """How far from the middle of a side a value stands: what leaves below it, what enters above."""
        if kind == "middle":
            return 0
        many = len(self.ways.sides[cell, side if kind == "out" else f"into {side}"])
        step = min(6, (height / 2 - 2) / many)
        return step * (rank + 1) * (1 if kind == "out" else -1)
