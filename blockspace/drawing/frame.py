"""Frames: blocks with what is inside, and the whole drawing."""

from __future__ import annotations

from blockspace.drawing.alike import folded
from blockspace.drawing.font import measure_text
from blockspace.drawing.leaves import BADGE, LABEL
from blockspace.drawing.piece import Box, Piece, Point
from blockspace.drawing.region import region
from blockspace.drawing.units import Level, Unit

BAND, SIDE, FOOT = 30, 14, 16  # room in a frame above, beside and below what is inside
BUS = 12  # above what is inside: where a value with several readers spreads


def laid_out(level: Level, fold: bool) -> Piece:
    """The whole drawing of a graph, without its title and legend."""
    level = folded(level) if fold else level
    return region(level.units, level.edges, lambda unit: framed(unit, fold), fold)


def framed(unit: Unit, fold: bool) -> Piece | None:
    """A block as a frame around its units; None for a unit that has nothing inside."""
    if unit.level is None:
        return None
    return frame(unit, unit.level, fold)


def frame(unit: Unit, level: Level, fold: bool) -> Piece:
    """A frame around a level, under the title of a block."""
    inner = region(level.units, level.edges, lambda u: framed(u, fold), fold)
    band = BAND if len(inner.tops) == 1 else BAND + BUS
    left = max(SIDE, measure_text(title(unit), LABEL, bold=True) + 2 * SIDE + (BADGE if unit.mark else 0) - inner.axis)
    inner.moved(left, band)
    whole = Piece(left + inner.w + SIDE, band + inner.h + FOOT, inner.axis)
    whole.boxes.append(Box(unit, 0, 0, whole.w, whole.h))
    whole.take(inner)
    turn: list[Point]
    for port in inner.tops:
        turn = [] if port.x == inner.axis else [(inner.axis, band - BUS), (port.x, band - BUS)]
        whole.line(port.edge, (inner.axis, 0), *turn, (port.x, band))
    for port in inner.bottoms:
        turn = [] if port.x == inner.axis else [(port.x, whole.h - FOOT / 2), (inner.axis, whole.h - FOOT / 2)]
        whole.line(port.edge, (port.x, whole.h - FOOT), *turn, (inner.axis, whole.h))
    return whole


def title(unit: Unit) -> str:
    """What stands at the top of a frame."""
    return f"{unit.label}  × {unit.times}" if unit.times > 1 else unit.label
