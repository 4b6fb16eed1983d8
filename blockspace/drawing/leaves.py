"""Leaves: the shape of one unit, as large as its texts."""

from __future__ import annotations

from blockspace.drawing.font import measure_text
from blockspace.drawing.piece import Box, Piece, Point
from blockspace.drawing.units import Edge, Unit
from blockspace.ops import show

LABEL, NOTE, SMALL = 12, 10, 10  # font sizes of a label, what follows it, and texts at edges
PAD = 12  # between a text and the border of its box
BADGE = 26  # room for the letter of a block
BAR = 22  # the height of a split or concat
WIDE = ("split", "concat")


def leaf(unit: Unit, spread: float = 0) -> Piece:
    """The unit as a piece; a split or concat reaches over ports `spread` to each side of its middle."""
    w, h = size(unit)
    if unit.kind in WIDE:
        w = max(w, 2 * spread + 2 * PAD)
    piece = Piece(w, h, w / 2)
    piece.boxes.append(Box(unit, 0, 0, w, h))
    return piece


def size(unit: Unit) -> Point:
    """Width and height that the texts of a unit need."""
    label = measure_text(unit.label, LABEL, bold=True)
    if unit.kind == "copy":
        return 14, 14
    if unit.kind == "join":
        return max(22, label + 12), 22
    if unit.kind in WIDE:
        return label + 2 * PAD + BAR, BAR
    room = 2 * BADGE if unit.mark else 0
    return max(label, measure_text(unit.note, NOTE)) + 2 * PAD + room, 38 if unit.note else 26


def caption(edge: Edge) -> str:
    """What stands at an edge: channels, or the whole shape where a block begins or ends."""
    border = any(unit is not None and unit.kind in ("block", "stage") for unit in (edge.source, edge.target))
    return show(edge.value.shape).replace("x", "×") if border else str(edge.value.shape[0])


def reach(text: str) -> float:
    """How far a text beside an edge reaches from it."""
    return measure_text(text, SMALL) + 8 if text else 0
