"""Lay out units by the series-parallel structure of their graph: split, transform and merge read back from the edges alone.

A unit on every path from the top to the bottom is a cut; cuts stand below each other, and the branches between two cuts stand side by side.
A connected part without a cut that does not fall into branches, because parts carry to each other, is laid out in layers instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from blockspace.drawing.dedupe import build_drawing_key
from blockspace.drawing.layered_layout import lay_out_layers
from blockspace.drawing.primitives import (
    BARS,
    EdgeText,
    Layout,
    Port,
    UnitBox,
    label_edge,
    lay_out_unit,
    measure_edge_text,
)
from blockspace.drawing.units import DrawingEdge, DrawingUnit, parent_path
from blockspace.ops import Part

ROW_GAP = 28  # between rows: an arrow and a line of text
TURN = 10  # from a box to where an edge below it turns
BRANCH_GAP = 22  # from branch to branch
MANY = 5  # equal branches in a row that are folded

Branch = tuple[list[DrawingUnit], list[DrawingEdge]]  # units, and all edges that touch them; no units: an edge that passes by


@dataclass
class StackRow:
    """A row of a stack: a cut unit with the edges that leave it, or (`unit` None) the branches between two cuts."""

    unit: DrawingUnit | None
    layout: Layout
    leaving: list[DrawingEdge] = field(default_factory=list)


@dataclass(frozen=True)
class SeriesParallelLayout:
    """Lays out units with all edges that touch them.

    `place_block` gives the layout of a block, None for a plain unit. `fold` draws five or more equal branches in a row as the first, a
    placeholder, and the last.
    """

    place_block: Callable[[DrawingUnit], Layout | None]
    fold: bool

    def lay_out_region(self, units: list[DrawingUnit], edges: list[DrawingEdge]) -> Layout:
        """Return the layout of units, which are in execution order, as rows below each other."""
        cuts = find_cut_units(units, edges)
        if not cuts:
            return self.lay_out_branches(units, edges)
        spans = _divide_at_cuts(units, edges, cuts)
        between = [None if not inner and len(across) <= 1 else self.lay_out_branches(inner, across) for inner, across in spans]
        rows: list[StackRow] = []
        for i, branches in enumerate(between):
            if branches is not None:
                rows.append(StackRow(None, branches))
            if i < len(cuts):
                unit = cuts[i]
                above = _measure_port_spread(branches) if unit.kind == "concat" else 0
                below = _measure_port_spread(between[i + 1]) if unit.kind == "split" else 0
                rows.append(StackRow(unit, self.place_block(unit) or lay_out_unit(unit, max(above, below)), spans[i + 1][1]))
        return _stack_rows(rows, spans[0][1])

    def lay_out_branches(self, units: list[DrawingUnit], edges: list[DrawingEdge]) -> Layout:
        """Return the layout of what lies between two cuts: each connected part is a branch, and so is each edge that passes by."""
        inner, branches = set(units), find_branches(units, edges)
        base = _find_common_path(edges)
        if len(branches) == 1 and branches[0][0]:
            layered = lay_out_layers(*branches[0], self.lay_out_region, self.place_block, lambda units: name_branch(units, base))
            return _label_branch(layered, branches[0], base)
        branches = fold_equal_branches(branches) if self.fold else branches
        ends = {unit.kind for edge in edges for unit in (edge.source, edge.target) if unit is not None and unit not in inner}
        layouts = [_label_branch(self._lay_out_branch(branch), branch, base) for branch in branches]
        return _place_side_by_side(layouts, through=not ends & {*BARS})

    def _lay_out_branch(self, branch: Branch) -> Layout:
        """Return the layout of one branch."""
        units, edges = branch
        if not units:
            half = max(14, measure_edge_text(label_edge(edges[0])))
            return Layout(2 * half, 0, half, [Port(half, edges[0])], [Port(half, edges[0])])
        if units[0].kind == "more":
            layout = lay_out_unit(units[0])
            layout.tops, layout.bottoms = [Port(layout.axis, edges[0])], [Port(layout.axis, edges[1])]
            return layout
        return self.lay_out_region(units, edges)


# -- structure -------------------------------------------------------------------------------------------------------------------------


def find_cut_units(units: list[DrawingUnit], edges: list[DrawingEdge]) -> list[DrawingUnit]:
    """Return the units on every path from the top to the bottom, in execution order: the dominators of the bottom.

    Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm, 2001.
    """
    import networkx  # takes longer to import than a text drawing takes, which does not need it

    inner = set(units)
    paths = networkx.DiGraph((e.source if e.source in inner else "top", e.target if e.target in inner else "bottom") for e in edges)
    if "top" not in paths:  # the whole graph begins and ends with a unit
        paths.add_edge("top", units[0])
    if "bottom" not in paths:
        paths.add_edge(units[-1], "bottom")
    dominator_of: dict[DrawingUnit | str, DrawingUnit | str] = networkx.immediate_dominators(paths, "top")
    cuts: list[DrawingUnit] = []
    unit = dominator_of["bottom"]
    while not isinstance(unit, str):
        cuts.append(unit)
        unit = dominator_of[unit]
    return cuts[::-1]


def _divide_at_cuts(units: list[DrawingUnit], edges: list[DrawingEdge], cuts: list[DrawingUnit]) -> list[Branch]:
    """Return the units and edges before the first cut, between each two, and after the last."""
    spans: list[Branch] = [([], []) for _ in range(len(cuts) + 1)]
    after: dict[DrawingUnit | None, int] = {}  # the span that an edge leaving a unit lies in
    bounds, i = set(cuts), 0
    for unit in units:
        if unit in bounds:
            i += 1
        else:
            spans[i][0].append(unit)
        after[unit] = i
    for edge in edges:
        spans[after.get(edge.source, 0)][1].append(edge)
    return spans


def find_branches(units: list[DrawingUnit], edges: list[DrawingEdge]) -> list[Branch]:
    """Return the connected parts, ordered as their channels leave the split, else as they enter the merge, else as they were written."""
    import networkx

    connected = networkx.Graph()
    connected.add_nodes_from(units)
    connected.add_edges_from((e.source, e.target) for e in edges if e.source in connected and e.target in connected)
    part_of: dict[object, object] = {unit: i for i, part in enumerate(networkx.connected_components(connected)) for unit in part}
    branches: dict[object, Branch] = {}
    for unit in units:
        branches.setdefault(part_of[unit], ([], []))[0].append(unit)
    for edge in edges:
        branches.setdefault(part_of.get(edge.source, part_of.get(edge.target, edge)), ([], []))[1].append(edge)
    written = {unit: i for i, unit in enumerate(units)}
    return sorted(branches.values(), key=lambda branch: _rank_branch(branch, written))


def _rank_branch(branch: Branch, written: dict[DrawingUnit, int]) -> tuple[int, int, int]:
    """Return the sort key of a branch: its first channel of the split, its first slot of the merge, its place as written."""
    units, edges = branch
    first = min((written[unit] for unit in units), default=len(written))
    outside = [e for e in edges if e.source not in written and e.source is not None and e.source.kind == "split"]
    entering = [e.value.op.start for e in outside if isinstance(e.value.op, Part)]
    leaving = [e.slot for e in edges if e.target not in written and e.target is not None]
    return min(entering, default=0), min(leaving, default=0), first


def fold_equal_branches(branches: list[Branch]) -> list[Branch]:
    """Return the branches with five or more equal ones in a row as the first, a unit that stands for the others, and the last."""
    kept: list[Branch] = []
    i = 0
    while i < len(branches):
        end = i + 1
        while end < len(branches) and branches[i][0] and build_drawing_key(*branches[end]) == build_drawing_key(*branches[i]):
            end += 1
        if end - i >= MANY:
            kept += [branches[i], _replace_branches(branches[i + 1 : end - 1]), branches[end - 1]]
        else:
            kept += branches[i:end]
        i = end
    return kept


def _replace_branches(branches: list[Branch]) -> Branch:
    """Return one branch with a unit of kind `more` that stands for branches that are not drawn."""
    units = [unit for inner, _ in branches for unit in inner]
    inner = set(units)
    _, edges = branches[0]
    entering = next(e for e in edges if e.source not in inner)
    leaving = next(e for e in edges if e.target not in inner)
    more = DrawingUnit(f"{units[0].name} ...", "more", [node for u in units for node in u.nodes], "…", f"{len(branches)} more")
    above = DrawingEdge(entering.source, more, entering.value, entering.slot)
    return [more], [above, DrawingEdge(more, leaving.target, leaving.value, leaving.slot)]


# -- names of branches -----------------------------------------------------------------------------------------------------------------


def _find_common_path(edges: list[DrawingEdge]) -> str:
    """Return the dotted path in which the branches between two cuts were written: that of the units at their ends."""
    paths = {parent_path(unit.name) for edge in edges for unit in (edge.source, edge.target) if unit is not None}
    return min(sorted(paths), key=len, default="")


def name_branch(units: list[DrawingUnit], base: str) -> str:
    """Return the first name below the path `base` that all units of a branch share, else an empty text."""
    inner = [unit.name.removeprefix(f"{base}.").partition(".") for unit in units]
    names = {first for first, dot, _ in inner if dot}
    return names.pop() if len(names) == 1 and units[0].kind != "more" else ""


def _label_branch(layout: Layout, branch: Branch, base: str) -> Layout:
    """Name the ports at the top after the branch, widen the layout by the room for the texts at its ports, and return it."""
    name = name_branch(branch[0], base)
    for port in layout.tops:
        port.name = port.name or name
    left = min((port.x - measure_edge_text(port.name) for port in layout.tops), default=0)
    right = max((port.x + measure_edge_text(label_edge(port.edge)) for port in (*layout.tops, *layout.bottoms)), default=0)
    if left < 0:
        layout.w -= left
        layout.shift(-left, 0)
        right -= left
    layout.w = max(layout.w, right)
    return layout


# -- coordinates -----------------------------------------------------------------------------------------------------------------------


def _place_side_by_side(layouts: list[Layout], through: bool) -> Layout:
    """Return layouts side by side, vertically centred on the tallest, with their edges led straight to the top and bottom.

    `through` puts the axis through the only layout with boxes, if there is one and the others are edges that pass by.
    """
    whole = Layout(h=max(layout.h for layout in layouts))
    for layout in layouts:
        dy = (whole.h - layout.h) / 2
        layout.shift(whole.w + (BRANCH_GAP if whole.w else 0), dy)
        whole.w = whole.w + (BRANCH_GAP if whole.w else 0) + layout.w
        whole.include(layout)
        for port in layout.tops:
            whole.add_line(port.edge, (port.x, 0), (port.x, dy))
        for port in layout.bottoms:
            whole.add_line(port.edge, (port.x, dy + layout.h), (port.x, whole.h))
        whole.tops += layout.tops
        whole.bottoms += layout.bottoms
    filled = [layout for layout in layouts if layout.boxes]
    if through and len(filled) == 1:
        whole.axis = filled[0].axis
    else:
        ports = [port.x for port in (*whole.tops, *whole.bottoms)]
        whole.axis = (min(ports) + max(ports)) / 2
    return whole


def _measure_port_spread(layout: Layout | None) -> float:
    """Return how far from its axis the ports of a layout lie."""
    if layout is None:
        return 0
    return max(abs(port.x - layout.axis) for port in (*layout.tops, *layout.bottoms))


def _stack_rows(rows: list[StackRow], entering: list[DrawingEdge]) -> Layout:
    """Return rows below each other on one axis, their edges joined; `entering` are the edges from above."""
    axis = max(row.layout.axis for row in rows)
    whole = Layout(axis + max(row.layout.w - row.layout.axis for row in rows), 0, axis)
    heights: list[tuple[float, float]] = []  # top and bottom of each row
    y = 0.0
    for row in rows:
        row.layout.shift(axis - row.layout.axis, y)
        whole.include(row.layout)
        heights.append((y, y + row.layout.h))
        y += row.layout.h + ROW_GAP
    whole.h = heights[-1][1]
    for (above, below), ((_, top), (bottom, _)) in zip(pairwise(rows), pairwise(heights)):
        _connect_rows(whole, above, below, top, bottom)
    first, last = rows[0], rows[-1]
    whole.tops = first.layout.tops if first.unit is None else [Port(axis, edge) for edge in entering]
    whole.bottoms = last.layout.bottoms if last.unit is None else [Port(axis, edge, fresh=True) for edge in last.leaving]
    return whole


def _connect_rows(whole: Layout, above: StackRow, below: StackRow, top: float, bottom: float) -> None:
    """Draw the edges between two neighbouring rows, from height `top` to `bottom`."""
    axis = whole.axis
    if above.unit is None and below.unit is not None:
        _draw_edges_into(whole, below.unit, below.layout.boxes[0], above.layout.bottoms, top)
    elif above.unit is not None and below.unit is None:
        _draw_edges_from(whole, above.unit, above.layout.boxes[0], below.layout.tops, bottom)
    else:
        for edge in above.leaving:
            whole.add_line(edge, (axis, top), (axis, bottom))
            whole.texts.append(EdgeText(label_edge(edge), axis + 5, bottom - 10))


def _draw_edges_from(whole: Layout, unit: DrawingUnit, box: UnitBox, ports: list[Port], bottom: float) -> None:
    """Draw the edges from a unit down to the ports of the branches below it."""
    axis, top = whole.axis, box.y + box.h
    for port in ports:
        straight = abs(port.x - axis) < 0.5
        if straight or unit.kind == "split":
            whole.add_line(port.edge, (port.x, top), (port.x, bottom))
        elif unit.kind == "copy":
            side = box.x + box.w if port.x > axis else box.x
            middle = box.y + box.h / 2
            whole.add_line(port.edge, (side, middle), (port.x, middle), (port.x, bottom))
        else:
            whole.add_line(port.edge, (axis, top), (axis, top + TURN), (port.x, top + TURN), (port.x, bottom))
        whole.texts.append(EdgeText(label_edge(port.edge), port.x + 5, bottom - 8))
        if port.name:
            whole.texts.append(EdgeText(port.name, port.x - 5, bottom - 8, "branch", "end"))


def _draw_edges_into(whole: Layout, unit: DrawingUnit, box: UnitBox, ports: list[Port], top: float) -> None:
    """Draw the edges from the ports of branches down to the unit below them."""
    axis, bottom = whole.axis, box.y
    for port in ports:
        straight = abs(port.x - axis) < 0.5
        if straight or unit.kind == "concat":
            whole.add_line(port.edge, (port.x, top), (port.x, bottom))
        elif unit.kind == "join":
            side = box.x + box.w if port.x > axis else box.x
            middle = box.y + box.h / 2
            whole.add_line(port.edge, (port.x, top), (port.x, middle), (side, middle))
        else:
            whole.add_line(port.edge, (port.x, top), (port.x, bottom - TURN), (axis, bottom - TURN), (axis, bottom))
        if port.fresh:
            whole.texts.append(EdgeText(label_edge(port.edge), port.x + 5, top + 13))
