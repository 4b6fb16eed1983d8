"""Stages: a network as the column of its blocks, with each distinct block drawn once beside it under a letter."""

from __future__ import annotations

from blockspace.drawing.alike import folded, form, stage
from blockspace.drawing.frame import frame
from blockspace.drawing.heat import Heat
from blockspace.drawing.leaves import caption
from blockspace.drawing.piece import Piece, Text
from blockspace.drawing.region import GAP, region
from blockspace.drawing.rows import parent
from blockspace.drawing.units import Edge, End, Level, Unit

BETWEEN = 36  # from the column to the blocks, and from block to block
LANDSCAPE = 1.4  # width to height of a page
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def staged(level: Level, heat: Heat, fold: bool) -> Piece:
    """The column of stages at the left, the blocks at the right."""
    level = folded(level, stage)
    firsts: dict[tuple, Unit] = {}
    for unit in level.units:
        if unit.level is not None:
            first = firsts.setdefault(form(unit), unit)
            unit.mark = first.mark or letter(len(firsts) - 1)
    column = spine(level)
    panels = page([panel(unit, unit.level, level.edges, heat, fold) for unit in firsts.values() if unit.level is not None], column)
    whole = Piece(column.w + BETWEEN + panels.w, max(column.h, panels.h))
    whole.take(column.moved(0, 0))
    whole.take(panels.moved(column.w + BETWEEN, 0))
    return whole


def letter(i: int) -> str:
    """A, B, ... Z, A2, ..."""
    return LETTERS[i % 26] + (str(i // 26 + 1) if i >= 26 else "")


def spine(level: Level) -> Piece:
    """The network with each block, or run of blocks of one form, as one box."""
    of: dict[End, Unit] = {unit: stop(unit) if unit.level is not None else unit for unit in level.units}
    edges = [Edge(of[e.source], of[e.target], e.value, e.slot) for e in level.edges]
    return region(list(of.values()), edges, lambda unit: None, True)


def stop(unit: Unit) -> Unit:
    """A block as a plain box of the column."""
    label = f"{unit.label} × {unit.times}" if unit.times > 1 else unit.label
    return Unit(unit.name, "stage", unit.nodes, label, parent(unit.name) or unit.name, times=unit.times, mark=unit.mark)


def panel(unit: Unit, level: Level, edges: list[Edge], heat: Heat, fold: bool) -> Piece:
    """One block with what enters and leaves it."""
    nodes, shown = inside(level), folded(level) if fold else level
    one = Unit(unit.name, "block", nodes, unit.label, level=shown, mark=unit.mark)
    block = frame(one, shown, fold)
    share = heat.share(one.nodes)
    for box in block.boxes:
        box.share = share or 1
    entering = next(Edge(None, one, edge.value) for edge in edges if edge.target is unit)
    leaving = next(Edge(one, None, edge.value) for edge in level.edges if edge.target is None)
    block.moved(0, GAP)
    whole = Piece(block.w, block.h + 2 * GAP, block.axis)
    whole.take(block)
    for edge, top in ((entering, 0), (leaving, whole.h - GAP)):
        whole.line(edge, (block.axis, top), (block.axis, top + GAP))
        whole.texts.append(Text(caption(edge), block.axis + 5, top + GAP - 10))
    return whole


def inside(level: Level) -> list:
    """All nodes of a level."""
    return [node for unit in level.units for node in unit.nodes]


def page(panels: list[Piece], column: Piece) -> Piece:
    """Panels one below the other in as many columns as make the whole, with the `column` at its left, fit a page best."""
    heights = [p.h + BETWEEN for p in panels]
    limits = {sum(heights[i:j]) for i in range(len(panels)) for j in range(i + 1, len(panels) + 1)}
    return arranged(panels, min(sorted(limits), key=lambda limit: across(panels, limit, column)))


def columns(panels: list[Piece], limit: float) -> list[list[Piece]]:
    """The panels in columns no higher than `limit`, where one alone is not higher."""
    found: list[list[Piece]] = [[]]
    for piece in panels:
        if found[-1] and sum(p.h + BETWEEN for p in (*found[-1], piece)) > limit + 0.01:
            found.append([])
        found[-1].append(piece)
    return found


def across(panels: list[Piece], limit: float, column: Piece) -> float:
    """How large a page has to be, as its height, for the column and the panels in columns of this height."""
    found = columns(panels, limit)
    w = column.w + sum(BETWEEN + max(p.w for p in one) for one in found)
    h = max(column.h, *(sum(p.h + BETWEEN for p in one) - BETWEEN for one in found))
    return max(w / LANDSCAPE, h)


def arranged(panels: list[Piece], limit: float) -> Piece:
    whole = Piece()
    for one in columns(panels, limit):
        y, wide = 0.0, max(p.w for p in one)
        for piece in one:
            whole.take(piece.moved(whole.w, y))
            y += piece.h + BETWEEN
        whole.w, whole.h = whole.w + wide + BETWEEN, max(whole.h, y - BETWEEN)
    whole.w -= BETWEEN
    return whole
