"""Likeness: what two blocks or branches have in common when they would look the same; and equal blocks in a row folded into one."""

from __future__ import annotations

from collections.abc import Callable

from blockspace.drawing.rows import parent
from blockspace.drawing.units import Edge, End, Level, Unit


def likeness(units: list[Unit], edges: list[Edge]) -> tuple:
    """Equal for units that do the same on values of the same shapes; a part's place among the channels does not count."""
    at: dict[End, int] = {unit: i for i, unit in enumerate(units)}
    links = [(at.get(edge.source, -1), at.get(edge.target, -1), edge.value.shape) for edge in edges]
    return tuple(map(looks, units)), tuple(sorted(links))


def looks(unit: Unit) -> tuple:
    """What a unit looks like."""
    inside = likeness(unit.level.units, unit.level.edges) if unit.level else ()
    return unit.kind, unit.label, unit.note, tuple(node.shape for node in unit.nodes), inside


def form(unit: Unit) -> tuple:
    """What blocks that differ in channels and strides alone have in common."""
    if unit.level is None:
        return unit.kind, unit.label.partition(" ")[0], len(unit.nodes)
    at: dict[End, int] = {inner: i for i, inner in enumerate(unit.level.units)}
    links = sorted((at.get(edge.source, -1), at.get(edge.target, -1)) for edge in unit.level.edges)
    return unit.label, tuple(map(form, unit.level.units)), tuple(links)


def stage(unit: Unit) -> tuple:
    """What blocks of one form in one stage have in common."""
    return parent(unit.name), form(unit)


def folded(level: Level, same: Callable[[Unit], tuple] = looks) -> Level:
    """The level with blocks that follow each other and are the `same` as one, which says how many; also inside of blocks."""
    leaving: dict[End, list[Edge]] = {}
    entering: dict[End, list[Edge]] = {}
    for edge in level.edges:
        leaving.setdefault(edge.source, []).append(edge)
        entering.setdefault(edge.target, []).append(edge)
    stands_for: dict[Unit, Unit] = {}
    for unit in level.units:
        if unit.level is not None:
            unit.level = folded(unit.level, same)
        before = entering.get(unit, [])
        if len(before) != 1 or before[0].source is None or unit.kind != "block":
            continue
        last = before[0].source
        if last.kind == "block" and len(leaving[last]) == 1 and same(last) == same(unit):
            stands_for[unit] = stands_for.get(last, last)
    for unit, first in stands_for.items():
        first.times += 1
        first.nodes = first.nodes + unit.nodes
    edges = [edge for edge in level.edges if edge.target not in stands_for]
    for edge in edges:
        if edge.source in stands_for:
            edge.source = stands_for[edge.source]
    return Level(level.path, [unit for unit in level.units if unit not in stands_for], edges)
