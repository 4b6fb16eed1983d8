"""Branches side by side, in the order they were written; five or more that are equal are drawn as first, more, last."""

from __future__ import annotations

from collections.abc import Callable

from blockspace.drawing.alike import likeness
from blockspace.drawing.ladder import ladder
from blockspace.drawing.leaves import WIDE, caption, leaf, reach
from blockspace.drawing.piece import Piece, Port
from blockspace.drawing.rows import parent
from blockspace.drawing.units import Edge, Unit
from blockspace.ops import Part

BETWEEN = 22  # from branch to branch
MANY = 5  # equal branches that are folded

Branch = tuple[list[Unit], list[Edge]]


def beside(units: list[Unit], edges: list[Edge], region: Callable, place: Callable, fold: bool) -> Piece:
    """What lies between two cuts: each connected part of it is a branch, and so is each edge that passes by."""
    inner, found = set(units), branches(units, edges)
    base = parent_of_merge(edges)
    if len(found) == 1 and found[0][0]:
        return named(ladder(*found[0], region, place, lambda units: branch_name(units, base)), found[0], base)
    found = folded(found) if fold else found
    ends = {unit.kind for edge in edges for unit in (edge.source, edge.target) if unit is not None and unit not in inner}
    return row([named(piece(branch, region), branch, base) for branch in found], through=not ends & {*WIDE})


def piece(branch: Branch, region: Callable) -> Piece:
    units, edges = branch
    if not units:
        return wire(edges[0])
    return more(units[0], edges) if units[0].kind == "more" else region(units, edges)


def branches(units: list[Unit], edges: list[Edge]) -> list[Branch]:
    """The connected parts, ordered as their channels leave the split, else as they enter the merge, else as they were written."""
    group = {unit: unit for unit in units}

    def root(unit: Unit) -> Unit:
        while group[unit] is not unit:
            group[unit] = group[group[unit]]
            unit = group[unit]
        return unit

    for edge in edges:
        if edge.source in group and edge.target in group:
            group[root(edge.target)] = root(edge.source)
    found: dict[object, Branch] = {}
    for unit in units:
        found.setdefault(root(unit), ([], []))[0].append(unit)
    for edge in edges:
        inner = edge.source if edge.source in group else edge.target
        found.setdefault(root(inner) if inner in group else edge, ([], []))[1].append(edge)
    written = {unit: i for i, unit in enumerate(units)}
    return sorted(found.values(), key=lambda branch: place_among(branch, written))


def place_among(branch: Branch, written: dict[Unit, int]) -> tuple:
    """Where a branch stands in its row."""
    units, edges = branch
    first = min((written[unit] for unit in units), default=len(written))
    outside = [e for e in edges if e.source not in written and e.source is not None and e.source.kind == "split"]
    entering = [e.value.op.start for e in outside if isinstance(e.value.op, Part)]
    leaving = [e.slot for e in edges if e.target not in written and e.target is not None]
    return (min(entering, default=0), min(leaving, default=0), first)


def parent_of_merge(edges: list[Edge]) -> str:
    """The path in which the branches between two cuts were written: that of what they meet in, or come from."""
    paths = {parent(unit.name) for edge in edges for unit in (edge.source, edge.target) if unit is not None}
    return min(sorted(paths), key=len, default="")


def named(piece: Piece, branch: Branch, base: str) -> Piece:
    """The piece, its ports at the top named after its branch, and room for that."""
    name = branch_name(branch[0], base)
    for port in piece.tops:
        port.name = port.name or name
    left = min((port.x - reach(port.name) for port in piece.tops), default=0)
    right = max((port.x + reach(caption(port.edge)) for port in (*piece.tops, *piece.bottoms)), default=0)
    if left < 0:
        piece.w -= left
        piece.moved(-left, 0)
        right -= left
    piece.w = max(piece.w, right)
    return piece


def branch_name(units: list[Unit], base: str) -> str:
    """The first name below `base` that all units of a branch share."""
    inner = [unit.name.removeprefix(f"{base}.").partition(".") for unit in units]
    names = {first for first, dot, _ in inner if dot}
    return names.pop() if len(names) == 1 and units[0].kind != "more" else ""


def wire(edge: Edge) -> Piece:
    """An edge that passes by."""
    half = max(14, reach(caption(edge)))
    return Piece(2 * half, 0, half, [Port(half, edge)], [Port(half, edge)])


def row(pieces: list[Piece], through: bool) -> Piece:
    """Pieces side by side, in the middle of the height of the tallest; ways go on straight above and below.

    `through`: the axis is that of the only branch that does something, if the others just pass by.
    """
    whole = Piece(h=max(piece.h for piece in pieces))
    for piece in pieces:
        dy = (whole.h - piece.h) / 2
        piece.moved(whole.w + (BETWEEN if whole.w else 0), dy)
        whole.w = whole.w + (BETWEEN if whole.w else 0) + piece.w
        whole.take(piece)
        for port in piece.tops:
            whole.line(port.edge, (port.x, 0), (port.x, dy))
        for port in piece.bottoms:
            whole.line(port.edge, (port.x, dy + piece.h), (port.x, whole.h))
        whole.tops += piece.tops
        whole.bottoms += piece.bottoms
    whole.axis = middle(pieces, through)
    return whole


def middle(pieces: list[Piece], through: bool) -> float:
    """The axis of a row."""
    busy = [piece for piece in pieces if piece.boxes]
    if through and len(busy) == 1:
        return busy[0].axis
    ports = [port.x for piece in pieces for port in (*piece.tops, *piece.bottoms)]
    return (min(ports) + max(ports)) / 2


def folded(found: list[Branch]) -> list[Branch]:
    """Of five or more equal branches in a row, the first and the last, with a unit between that stands for the others."""
    kept: list[Branch] = []
    i = 0
    while i < len(found):
        same = i + 1
        while same < len(found) and found[i][0] and likeness(*found[same]) == likeness(*found[i]):
            same += 1
        if same - i >= MANY:
            kept += [found[i], hidden(found[i + 1 : same - 1]), found[same - 1]]
        else:
            kept += found[i:same]
        i = same
    return kept


def hidden(found: list[Branch]) -> Branch:
    """Branches that are not drawn, as one unit."""
    units = [unit for inner, _ in found for unit in inner]
    inner = set(units)
    _, edges = found[0]
    entering = next(e for e in edges if e.source not in inner)
    leaving = next(e for e in edges if e.target not in inner)
    unit = Unit(f"{units[0].name} ...", "more", [node for u in units for node in u.nodes], "…", f"{len(found)} more")
    return [unit], [Edge(entering.source, unit, entering.value, entering.slot), Edge(unit, leaving.target, leaving.value, leaving.slot)]


def more(unit: Unit, edges: list[Edge]) -> Piece:
    """The unit that stands for hidden branches, on a dotted way."""
    piece = leaf(unit)
    piece.tops, piece.bottoms = [Port(piece.axis, edges[0])], [Port(piece.axis, edges[1])]
    return piece
