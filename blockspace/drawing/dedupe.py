"""Find blocks and branches that would be drawn alike, and fold equal blocks in a row into one unit.

Units are compared in their order, not up to isomorphism: branches in another order are another drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from blockspace.drawing.units import DrawingEdge, DrawingLevel, DrawingUnit, parent_path


def build_drawing_key(units: list[DrawingUnit], edges: list[DrawingEdge]) -> Hashable:
    """Return a key that is equal for units with the same operations on values of the same shapes, connected in the same way.

    Names do not count, nor does the place of a part among the channels.
    """
    at: dict[DrawingUnit | None, int] = {unit: i for i, unit in enumerate(units)}
    links = [(at.get(edge.source, -1), at.get(edge.target, -1), edge.value.shape) for edge in edges]
    return tuple(map(build_unit_key, units)), tuple(sorted(links))


def build_unit_key(unit: DrawingUnit) -> Hashable:
    """Return a key that is equal for units with the same texts, shapes and inside."""
    inside = build_drawing_key(unit.level.units, unit.level.edges) if unit.level else ()
    return unit.kind, unit.label, unit.note, tuple(node.shape for node in unit.nodes), inside


def build_form_key(unit: DrawingUnit) -> Hashable:
    """Return a key that is equal for blocks that differ only in channels, strides and the like."""
    if unit.level is None:
        return unit.kind, unit.label.partition(" ")[0], len(unit.nodes)
    at: dict[DrawingUnit | None, int] = {inner: i for i, inner in enumerate(unit.level.units)}
    links = sorted((at.get(edge.source, -1), at.get(edge.target, -1)) for edge in unit.level.edges)
    return unit.label, tuple(map(build_form_key, unit.level.units)), tuple(links)


def build_stage_key(unit: DrawingUnit) -> Hashable:
    """Return a key that is equal for blocks of one form in one stage."""
    return parent_path(unit.name), build_form_key(unit)


def fold_equal_blocks(level: DrawingLevel, build_key: Callable[[DrawingUnit], Hashable] = build_unit_key) -> DrawingLevel:
    """Return the level with each run of blocks of equal key as its first block, whose `times` counts them; also inside of blocks."""
    leaving: dict[DrawingUnit | None, list[DrawingEdge]] = {}
    entering: dict[DrawingUnit | None, list[DrawingEdge]] = {}
    for edge in level.edges:
        leaving.setdefault(edge.source, []).append(edge)
        entering.setdefault(edge.target, []).append(edge)
    first_of: dict[DrawingUnit, DrawingUnit] = {}
    for unit in level.units:
        if unit.level is not None:
            unit.level = fold_equal_blocks(unit.level, build_key)
        before = entering.get(unit, [])
        if len(before) != 1 or before[0].source is None or unit.kind != "block":
            continue
        last = before[0].source
        if last.kind == "block" and len(leaving[last]) == 1 and build_key(last) == build_key(unit):
            first_of[unit] = first_of.get(last, last)
    for folded, first in first_of.items():
        first.times += 1
        first.nodes = first.nodes + folded.nodes
    edges = [edge for edge in level.edges if edge.target not in first_of]
    for edge in edges:
        if edge.source in first_of:
            edge.source = first_of[edge.source]
    return DrawingLevel(level.path, [unit for unit in level.units if unit not in first_of], edges)
