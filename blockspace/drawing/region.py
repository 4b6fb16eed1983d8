"""Regions: units one below the other where every path goes through each of them, and side by side in between.

A unit that every path from the top to the bottom goes through is a cut; between two cuts lie branches. That is split, transform, merge
read back from the graph, whatever its names. What cannot be taken apart like this (parts that carry to each other) is a ladder.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from blockspace.drawing.beside import beside
from blockspace.drawing.leaves import caption, leaf
from blockspace.drawing.piece import Box, Piece, Port, Text
from blockspace.drawing.units import Edge, End, Unit

GAP = 28  # between what stands above and below: an arrow and a line of text
TURN = 10  # from a box to where an edge below it turns


def region(units: list[Unit], edges: list[Edge], place: Callable[[Unit], Piece | None], fold: bool) -> Piece:
    """Lay out units in an order of execution with all edges that touch them; `place` gives the piece of a block, None for a plain unit."""
    cuts = cut(units, edges)
    if not cuts:
        return beside(units, edges, lambda u, e: region(u, e, place, fold), place, fold)
    spans = segments(units, edges, cuts)
    bundles = [
        None if not inner and len(across) <= 1 else beside(inner, across, lambda u, e: region(u, e, place, fold), place, fold)
        for inner, across in spans
    ]
    rows: list[tuple[Unit | None, Piece, list[Edge]]] = []
    for i, bundle in enumerate(bundles):
        if bundle is not None:
            rows.append((None, bundle, []))
        if i < len(cuts):
            unit = cuts[i]
            spread = max(reach_of(bundles[i]) if unit.kind == "concat" else 0, reach_of(bundles[i + 1]) if unit.kind == "split" else 0)
            rows.append((unit, place(unit) or leaf(unit, spread), spans[i + 1][1]))
    return stacked(rows, spans[0][1])


def cut(units: list[Unit], edges: list[Edge]) -> list[Unit]:
    """The units no edge passes by: in an order of execution these are the ones on every path."""
    at: dict[End, int] = {unit: i for i, unit in enumerate(units)}
    passing = [0] * (len(units) + 1)
    for edge in edges:
        passing[at.get(edge.source, -1) + 1] += 1
        passing[at.get(edge.target, len(units))] -= 1
    found, over = [], 0
    for i, unit in enumerate(units):
        over += passing[i]
        if over == 0:
            found.append(unit)
    return found


def segments(units: list[Unit], edges: list[Edge], cuts: list[Unit]) -> list[tuple[list[Unit], list[Edge]]]:
    """What lies before the first cut, between each two, and after the last: its units, and the edges from cut to cut."""
    found: list[tuple[list[Unit], list[Edge]]] = [([], []) for _ in range(len(cuts) + 1)]
    after: dict[End, int] = {}  # the segment that an edge leaving a unit lies in
    bounds, i = set(cuts), 0
    for unit in units:
        if unit in bounds:
            i += 1
        else:
            found[i][0].append(unit)
        after[unit] = i
    for edge in edges:
        found[after.get(edge.source, 0)][1].append(edge)
    return found


def reach_of(bundle: Piece | None) -> float:
    """How far from its axis the ports of a bundle lie."""
    if bundle is None:
        return 0
    return max(abs(port.x - bundle.axis) for port in (*bundle.tops, *bundle.bottoms))


def stacked(rows: list[tuple[Unit | None, Piece, list[Edge]]], entering: list[Edge]) -> Piece:
    """Pieces one below the other on one axis, joined; a row is (the unit or None for a bundle, its piece, edges that leave the unit)."""
    axis = max(piece.axis for _, piece, _ in rows)
    w = axis + max(piece.w - piece.axis for _, piece, _ in rows)
    whole = Piece(w, 0, axis)
    y = 0.0
    for i, (_, piece, _) in enumerate(rows):
        piece.moved(axis - piece.axis, y)
        whole.take(piece)
        y += piece.h + (GAP if i < len(rows) - 1 else 0)
    whole.h = y
    place_of = ys(rows)
    for (a, b), (top, bottom) in zip(pairwise(rows), pairwise(place_of)):
        join(whole, a, b, top[1], bottom[0])
    first, last = rows[0], rows[-1]
    whole.tops = first[1].tops if first[0] is None else [Port(axis, edge) for edge in entering]
    whole.bottoms = last[1].bottoms if last[0] is None else [Port(axis, edge, fresh=True) for edge in last[2]]
    return whole


def ys(rows) -> list[tuple[float, float]]:
    """Top and bottom of each row."""
    found, y = [], 0.0
    for _, piece, _ in rows:
        found.append((y, y + piece.h))
        y += piece.h + GAP
    return found


def join(whole: Piece, above, below, top: float, bottom: float) -> None:
    """The edges between two neighbouring rows: unit and unit, unit and bundle, or bundle and unit."""
    axis = whole.axis
    if above[0] is not None and below[0] is not None:
        for edge in above[2]:
            whole.line(edge, (axis, top), (axis, bottom))
            whole.texts.append(Text(caption(edge), axis + 5, bottom - 10))
    elif above[0] is not None:
        spread_out(whole, above[0], above[1].boxes[0], below[1].tops, bottom)
    else:
        gathered(whole, below[0], below[1].boxes[0], above[1].bottoms, top)


def spread_out(whole: Piece, unit: Unit, box: Box, ports: list[Port], bottom: float) -> None:
    """Edges from a unit down to the ports of the bundle below it."""
    axis, top = whole.axis, box.y + box.h
    for port in ports:
        straight = abs(port.x - axis) < 0.5
        if straight or unit.kind == "split":
            whole.line(port.edge, (port.x, top), (port.x, bottom))
        elif unit.kind == "copy":
            side = box.x + box.w if port.x > axis else box.x
            middle = box.y + box.h / 2
            whole.line(port.edge, (side, middle), (port.x, middle), (port.x, bottom))
        else:
            whole.line(port.edge, (axis, top), (axis, top + TURN), (port.x, top + TURN), (port.x, bottom))
        whole.texts.append(Text(caption(port.edge), port.x + 5, bottom - 8))
        if port.name:
            whole.texts.append(Text(port.name, port.x - 5, bottom - 8, "branch", "end"))


def gathered(whole: Piece, unit: Unit, box: Box, ports: list[Port], top: float) -> None:
    """Edges from the ports of a bundle down to the unit below it."""
    axis, bottom = whole.axis, box.y
    for port in ports:
        straight = abs(port.x - axis) < 0.5
        if straight or unit.kind == "concat":
            whole.line(port.edge, (port.x, top), (port.x, bottom))
        elif unit.kind == "join":
            side = box.x + box.w if port.x > axis else box.x
            middle = box.y + box.h / 2
            whole.line(port.edge, (port.x, top), (port.x, middle), (side, middle))
        else:
            whole.line(port.edge, (port.x, top), (port.x, bottom - TURN), (axis, bottom - TURN), (axis, bottom))
        if port.fresh:
            whole.texts.append(Text(caption(port.edge), port.x + 5, top + 13))
