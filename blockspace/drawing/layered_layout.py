"""Lay out connected units that do not fall into branches in columns and layers, and give coordinates to the routes of their edges."""

from __future__ import annotations

from collections.abc import Callable

from blockspace.drawing.edge_routing import (
    BorderY,
    CellY,
    ChannelX,
    ColumnX,
    EdgeRouter,
    GapY,
    RoutePoint,
    RouteX,
    RouteY,
    SideX,
    SideY,
)
from blockspace.drawing.layer_assignment import GridCell, LayerGrid, LayOutRegion, PlaceBlock
from blockspace.drawing.primitives import EdgeText, Layout, Point, Port, label_edge, measure_edge_text
from blockspace.drawing.units import DrawingEdge, DrawingUnit

LAYER_GAP, CHANNEL, TRACK = 28, 22, 8  # height of a gap and width of a channel without tracks; from a channel's border to its tracks

NameColumn = Callable[[list[DrawingUnit]], str]


def lay_out_layers(
    units: list[DrawingUnit], edges: list[DrawingEdge], lay_out_region: LayOutRegion, place_block: PlaceBlock, name_column: NameColumn
) -> Layout:
    """Return the layout of connected units with the edges that touch them.

    `lay_out_region` lays out units that form a region of their own, `place_block` a block; `name_column` names the units of a column.
    """
    grid = LayerGrid(units, edges, lay_out_region, place_block)
    router = EdgeRouter(grid)
    routes = [(edge, router.route(edge)) for edge in grid.edges]
    return LayerCoordinates(grid, router, name_column).draw(routes)


class LayerCoordinates:
    """The coordinates of a grid: where its columns, channels, layers, gaps and tracks lie."""

    def __init__(self, grid: LayerGrid, router: EdgeRouter, name_column: NameColumn):
        self.grid, self.router, self.name_column = grid, router, name_column
        self.layout = Layout()
        self._place_columns()
        self._place_layers()
        self.layout.w, self.layout.h = self.right, self.bottom

    def _place_columns(self) -> None:
        """Set the centres of columns and the first tracks of channels."""
        x = 0.0
        self.centre: list[float] = []
        self.channel_x: list[float] = []
        for col in range(len(self.grid.columns) + 1):
            tracks = self.router.channels[col].count()
            left, right = self._measure_texts(col)
            inner = 0 < col < len(self.grid.columns)
            self.channel_x.append(x + left + TRACK)
            wanted = left + right + TRACK * (tracks + 1) if tracks or left or right else 0
            x += max(wanted, CHANNEL if inner else 0)
            if col < len(self.grid.columns):
                column = self.grid.columns[col]
                labels = [label_edge(e) for cell in column for e in (*cell.entering, *cell.leaving)]
                texts = [measure_edge_text(text) for text in (self._name(column), *labels)]
                self.centre.append(x + max(*(cell.layout.axis for cell in column), *texts))
                x = self.centre[-1] + max(*(cell.layout.w - cell.layout.axis for cell in column), *texts)
        self.right = x

    def _measure_texts(self, channel: int) -> tuple[float, float]:
        """Return the room for texts of edges that leave a side into a channel, at its left and its right."""
        room = {"right": 0.0, "left": 0.0}
        for edge in self.grid.edges:
            source, target = self.grid.cell_of.get(edge.source), self.grid.cell_of.get(edge.target)
            if source is None or edge is source.below or not source.open:
                continue
            side = "right" if target is None or target.col >= source.col else "left"
            if channel == source.col + (side == "right"):
                room[side] = max(room[side], measure_edge_text(label_edge(edge)))
        return room["right"], room["left"]

    def _name(self, column: list[GridCell]) -> str:
        """Return the name of a column."""
        return self.name_column([unit for cell in column for unit in cell.units])

    def _place_layers(self) -> None:
        """Set the tops and heights of layers, and the first tracks of the gaps below them."""
        y = 0.0
        self.top: list[float] = []
        self.height: list[float] = []
        self.gap_y: list[float] = []
        for layer in range(self.grid.layers):
            self.top.append(y)
            self.height.append(max(cell.layout.h for cell in self.grid.cells if cell.layer == layer))
            y += self.height[-1]
            self.gap_y.append(y + TRACK)
            tracks = self.router.gaps[layer].count()
            last = layer == self.grid.layers - 1
            y += tracks * TRACK + (TRACK if tracks else 0) if last else LAYER_GAP + tracks * TRACK
        self.bottom = y

    def draw(self, routes: list[tuple[DrawingEdge, list[RoutePoint]]]) -> Layout:
        """Return the layout with all cells and edges at their places."""
        for cell in self.grid.cells:
            cell.layout.shift(self.centre[cell.col] - cell.layout.axis, self._find_top(cell))
            self.layout.include(cell.layout)
        for edge, route in routes:
            points = [(self._resolve_x(x), self._resolve_y(y)) for x, y in route]
            self.layout.add_line(edge, *points)
            self._add_texts(edge, route, points)
        ports = [port.x for port in (*self.layout.tops, *self.layout.bottoms)]
        self.layout.axis = (min(ports) + max(ports)) / 2
        return self.layout

    def _add_texts(self, edge: DrawingEdge, route: list[RoutePoint], points: list[Point]) -> None:
        """Add the channels of an edge where it leaves its source, and its port where it enters or leaves the layout."""
        fresh = False
        if edge.source in self.grid.cell_of:
            (x, y), start = points[0], route[0][0]
            if isinstance(start, SideX):
                away, anchor = (4, "start") if start.side == "right" else (-4, "end")
                self.layout.texts.append(EdgeText(label_edge(edge), x + away, y - 4, anchor=anchor))
            elif edge.target in self.grid.cell_of:
                self.layout.texts.append(EdgeText(label_edge(edge), x + 5, y + 18))
            else:
                fresh = True
        if isinstance(route[0][1], BorderY):
            column = self.grid.columns[self.grid.cell_of[edge.target].col]
            self.layout.tops.append(Port(points[0][0], edge, name=self._name(column)))
        if isinstance(route[-1][1], BorderY):
            self.layout.bottoms.append(Port(points[-1][0], edge, fresh))

    def _resolve_x(self, x: RouteX) -> float:
        """Return the x of a point of a route."""
        if isinstance(x, ColumnX):
            return self.centre[x.col]
        if isinstance(x, ChannelX):
            return self.channel_x[x.channel] + TRACK * self.router.channels[x.channel].numbers[x.key]
        box = x.cell.layout.boxes[0]
        return box.x + (box.w if x.side == "right" else 0)

    def _resolve_y(self, y: RouteY) -> float:
        """Return the y of a point of a route."""
        if isinstance(y, BorderY):
            return 0 if y.top else self.bottom
        if isinstance(y, GapY):
            return self.gap_y[y.gap] + TRACK * self.router.gaps[y.gap].numbers[y.key]
        top, height = self._find_top(y.cell), y.cell.layout.h
        if isinstance(y, CellY) and y.at != "middle":
            return top + (height if y.at == "bottom" else 0)
        return top + height / 2 + (self._measure_offset(y, height) if isinstance(y, SideY) else 0)

    def _find_top(self, cell: GridCell) -> float:
        """Return the y of the top of a cell, which is centred in its layer."""
        return self.top[cell.layer] + (self.height[cell.layer] - cell.layout.h) / 2

    def _measure_offset(self, y: SideY, height: float) -> float:
        """Return how far from the middle of a side a value is: below it for one that leaves, above it for one that enters."""
        count = len(self.router.sides[y.cell, y.side, y.leaves])
        step = min(6, (height / 2 - 2) / count)
        return step * (y.rank + 1) * (1 if y.leaves else -1)
