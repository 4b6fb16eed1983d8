"""Assign a column and a layer to each unit of a layered layout, the first steps of Sugiyama's method.

Sugiyama, Tagawa, Toda: Methods for Visual Understanding of Hierarchical System Structures, 1981. A column is a chain of units, each of
which reads the one before. Columns are in the order in which their first units were written, and one that forks off another is to the right
of it. A layer holds the units of one height: a unit is below what it reads, or level with it where a merge takes a value from the column to
its left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from blockspace.drawing.primitives import Layout, lay_out_unit
from blockspace.drawing.units import DrawingEdge, DrawingUnit

MERGES = ("join", "concat")
SLOT_SPACE = 7  # between values that enter one side of a merge

LayOutRegion = Callable[[list[DrawingUnit], list[DrawingEdge]], Layout]
PlaceBlock = Callable[[DrawingUnit], Layout | None]


@dataclass(eq=False)
class GridCell:
    """One place of the grid: a unit, or several that form a region of their own; `above` and `below` are its edges along the column."""

    units: list[DrawingUnit]
    layout: Layout
    col: int = 0
    layer: int = 0
    entering: list[DrawingEdge] = field(default_factory=list)
    leaving: list[DrawingEdge] = field(default_factory=list)
    above: DrawingEdge | None = None
    below: DrawingEdge | None = None

    @property
    def merges(self) -> bool:
        """Return whether edges may enter at the sides."""
        return len(self.units) == 1 and self.units[0].kind in MERGES

    @property
    def open(self) -> bool:
        """Return whether edges may leave at the sides: not from a block, whose value leaves at the bottom of its frame."""
        return len(self.units) == 1 and self.units[0].kind != "block"


class LayerGrid:
    """The cells of a layered layout, each with its column and its layer."""

    def __init__(self, units: list[DrawingUnit], edges: list[DrawingEdge], lay_out_region: LayOutRegion, place_block: PlaceBlock):
        self.cells = [_make_cell(part, edges, lay_out_region, place_block) for part in _group_regions(units, edges)]
        self.cell_of: dict[DrawingUnit | None, GridCell] = {unit: cell for cell in self.cells for unit in cell.units}
        self.edges = [e for e in edges if self.cell_of.get(e.source) is not self.cell_of.get(e.target) or e.source not in self.cell_of]
        for edge in self.edges:
            if edge.target in self.cell_of:
                self.cell_of[edge.target].entering.append(edge)
            if edge.source in self.cell_of:
                self.cell_of[edge.source].leaving.append(edge)
        self.columns = self._build_columns()
        for cell in self.cells:
            self._find_column_edges(cell)
        for cell in self.cells:  # the longest path, in which an edge that runs level has length 0
            heights = [self.cell_of[e.source].layer + (not self.runs_level(e)) for e in cell.entering if e.source in self.cell_of]
            cell.layer = max(heights, default=0)
        self.layers = 1 + max(cell.layer for cell in self.cells)

    def _build_columns(self) -> list[list[GridCell]]:
        """Return the columns from left to right: a tree of which column forks off which, in preorder.

        A cell continues the column of the first cell it reads that ends a column; a cell that first reads a value from outside starts one.
        """
        import networkx

        columns: list[list[GridCell]] = []
        column_of: dict[GridCell, int] = {}
        forks, root = networkx.DiGraph(), -1
        for cell in self.cells:
            sources = [self.cell_of.get(e.source) for e in sorted(cell.entering, key=lambda e: e.slot)]
            inner = [source for source in sources if source is not None] if sources[:1] != [None] else []
            onto = next((source for source in inner if columns[column_of[source]][-1] is source), None)
            if onto is not None:
                column_of[cell] = column_of[onto]
                columns[column_of[onto]].append(cell)
            else:
                column_of[cell] = len(columns)
                forks.add_edge(column_of[inner[0]] if inner else root, len(columns))
                columns.append([cell])
        ordered = [columns[i] for i in networkx.dfs_preorder_nodes(forks, root) if i != root]
        for col, column in enumerate(ordered):
            for cell in column:
                cell.col = col
        return ordered

    def _find_column_edges(self, cell: GridCell) -> None:
        """Set the edges that enter a cell from above and leave it below, in its own column."""
        column = self.columns[cell.col]
        i = column.index(cell)
        before, after = column[i - 1] if i else None, column[i + 1] if i + 1 < len(column) else None
        cell.above = next((e for e in cell.entering if self.cell_of.get(e.source) is before), None)
        if cell.above is None and not cell.merges:
            cell.above = cell.entering[0]
        cell.below = next((e for e in cell.leaving if self.cell_of.get(e.target) is after), None)

    def runs_level(self, edge: DrawingEdge) -> bool:
        """Return whether an edge between two cells may run level, to a merge in the next column to the right."""
        a, b = self.cell_of[edge.source], self.cell_of[edge.target]
        first = next(e for e in b.entering if self.cell_of.get(e.source) is a)
        return a.open and b.merges and b.col == a.col + 1 and edge is first and edge not in (a.below, b.above)


def _make_cell(units: list[DrawingUnit], edges: list[DrawingEdge], lay_out_region: LayOutRegion, place_block: PlaceBlock) -> GridCell:
    """Return a cell with its layout; a merge is as high as the edges at its sides need."""
    if len(units) > 1:
        inside = set(units)
        return GridCell(units, lay_out_region(units, [e for e in edges if e.source in inside or e.target in inside]))
    unit = units[0]
    layout = place_block(unit) or lay_out_unit(unit)
    if unit.kind in MERGES:
        count = sum(e.target is unit for e in edges)
        layout.h = layout.boxes[0].h = max(layout.h, SLOT_SPACE * count + 2)
    return GridCell(units, layout)


def _group_regions(units: list[DrawingUnit], edges: list[DrawingEdge]) -> list[list[DrawingUnit]]:
    """Return the units in groups of one, or of a single-entry single-exit region: entered at the first, left at the last."""
    at: dict[DrawingUnit | None, int] = {unit: i for i, unit in enumerate(units)}
    ins = [[at.get(e.source, -1) for e in edges if e.target is unit] for unit in units]
    outs = [[at.get(e.target, len(units)) for e in edges if e.source is unit] for unit in units]
    groups: list[list[DrawingUnit]] = []
    i = 0
    while i < len(units):
        end = _find_region_end(i, ins, outs)
        groups.append(units[i : end + 1])
        i = end + 1
    return groups


def _find_region_end(start: int, ins: list[list[int]], outs: list[list[int]]) -> int:
    """Return the last index of the largest region with branches that starts at `start`; `start` where there is none."""
    best, forks, furthest = start, False, start
    if len(ins[start]) > 1:
        return start
    for i in range(start, len(ins)):
        if i > start and min(ins[i]) < start:
            break
        if forks and furthest <= i and len(outs[i]) == 1 and len(ins[i]) > 1 and i - start + 1 < len(ins):
            best = i
        forks = forks or len(outs[i]) > 1
        furthest = max(furthest, *outs[i])
    return best
