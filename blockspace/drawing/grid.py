"""Grids: which column and which layer each unit of a ladder stands in.

A column is a run of units that each go on from the one before; columns stand in the order their first units were written, and one that
forks off another stands to the right of it. A layer holds what can stand on one height: a unit stands below what it reads, or beside it
where a merge takes a value from the column to its left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from blockspace.drawing.leaves import leaf
from blockspace.drawing.piece import Piece
from blockspace.drawing.units import Edge, End, Unit

MERGES = ("join", "concat")
SPACE = 7  # between values that enter one side of a merge


@dataclass(eq=False)
class Cell:
    """One place of the grid: a unit, or several that form a region of their own; `above` and `below` are its edges along the column."""

    units: list[Unit]
    piece: Piece
    col: int = 0
    layer: int = 0
    entering: list[Edge] = field(default_factory=list)
    leaving: list[Edge] = field(default_factory=list)
    above: Edge | None = None
    below: Edge | None = None

    @property
    def merges(self) -> bool:
        """Whether values may enter at its sides."""
        return len(self.units) == 1 and self.units[0].kind in MERGES

    @property
    def open(self) -> bool:
        """Whether values may leave at its sides: not from a block, whose value comes out below."""
        return len(self.units) == 1 and self.units[0].kind != "block"


class Grid:
    """The cells of a ladder, each with its column and its layer."""

    def __init__(self, units: list[Unit], edges: list[Edge], region: Callable, place: Callable):
        self.cells = [cell(part, edges, region, place) for part in parts(units, edges)]
        self.of: dict[End, Cell] = {unit: one for one in self.cells for unit in one.units}
        self.edges = [e for e in edges if self.of.get(e.source) is not self.of.get(e.target) or e.source not in self.of]
        for edge in self.edges:
            if edge.target in self.of:
                self.of[edge.target].entering.append(edge)
            if edge.source in self.of:
                self.of[edge.source].leaving.append(edge)
        self.columns = self.chained()
        for one in self.cells:
            self.along(one)
        for one in self.cells:
            one.layer = max((self.of[e.source].layer + (not self.flat(e)) for e in one.entering if e.source in self.of), default=0)
        self.layers = 1 + max(one.layer for one in self.cells)

    def chained(self) -> list[list[Cell]]:
        """Columns: a cell goes on below the cell it first reads, when nothing else did; what it reads from outside starts a column."""
        columns: list[list[Cell]] = []
        tail: dict[Cell, list[Cell]] = {}
        forks: dict[int, list[list[Cell]]] = {}
        for one in self.cells:
            sources = [self.of.get(e.source) for e in sorted(one.entering, key=lambda e: e.slot)]
            onto = next((s for s in sources if s in tail), None) if None not in sources[:1] else None
            if onto is not None:
                column = tail.pop(onto)
                column.append(one)
            else:
                column = [one]
                known = next((s for s in sources if s is not None), None)
                home = next((c for c in columns if known in c), None) if sources[:1] != [None] else None
                columns.insert(self.right_of(columns, home, forks), column)
                if home is not None:
                    forks.setdefault(id(home), []).append(column)
            tail[one] = column
        for col, column in enumerate(columns):
            for one in column:
                one.col = col
        return columns

    def right_of(self, columns: list[list[Cell]], home: list[Cell] | None, forks: dict[int, list[list[Cell]]]) -> int:
        """Where a column that forks off `home` is put: behind those that forked before."""
        if home is None:
            return len(columns)
        last = columns.index(home)
        for fork in forks.get(id(home), []):
            last = max(last, self.right_of(columns, fork, forks) - 1)
        return last + 1

    def along(self, one: Cell) -> None:
        """The edges that enter `one` from above and leave it below, in its own column."""
        column = self.columns[one.col]
        i = column.index(one)
        before, after = column[i - 1] if i else None, column[i + 1] if i + 1 < len(column) else None
        one.above = next((e for e in one.entering if self.of.get(e.source) is before), None)
        if one.above is None and not one.merges:
            one.above = one.entering[0]
        one.below = next((e for e in one.leaving if self.of.get(e.target) is after), None)

    def flat(self, edge: Edge) -> bool:
        """Whether the edge may run level, from a cell to the merge on its right."""
        a, b = self.of[edge.source], self.of[edge.target]
        first = next(e for e in b.entering if self.of.get(e.source) is a)
        return a.open and b.merges and b.col == a.col + 1 and edge is first and edge not in (a.below, b.above)


def cell(units: list[Unit], edges: list[Edge], region: Callable, place: Callable) -> Cell:
    """A cell with its piece; a merge is as high as the values at its sides need."""
    if len(units) > 1:
        inside = set(units)
        return Cell(units, region(units, [e for e in edges if e.source in inside or e.target in inside]))
    unit = units[0]
    piece = place(unit) or leaf(unit)
    if unit.kind in MERGES:
        many = sum(e.target is unit for e in edges)
        piece.h = piece.boxes[0].h = max(piece.h, SPACE * many + 2)
    return Cell(units, piece)


def parts(units: list[Unit], edges: list[Edge]) -> list[list[Unit]]:
    """The units, those together that form a region of their own: entered at the first, left at the last, with branches between."""
    at: dict[End, int] = {unit: i for i, unit in enumerate(units)}
    ins = [[at.get(e.source, -1) for e in edges if e.target is unit] for unit in units]
    outs = [[at.get(e.target, len(units)) for e in edges if e.source is unit] for unit in units]
    found: list[list[Unit]] = []
    i = 0
    while i < len(units):
        end = closed(i, ins, outs)
        found.append(units[i : end + 1])
        i = end + 1
    return found


def closed(start: int, ins: list[list[int]], outs: list[list[int]]) -> int:
    """The last index of the largest region with branches that starts at `start`; `start` itself when there is none."""
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
