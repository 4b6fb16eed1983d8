"""Lay out a whole graph: every block as a frame around its units, or a network as a column of stages beside its distinct blocks."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from blockspace.drawing.dedupe import build_form_key, build_stage_key, fold_equal_blocks
from blockspace.drawing.font import measure_text
from blockspace.drawing.primitives import BADGE_WIDTH, LABEL_SIZE, EdgeText, Layout, Point, UnitBox, label_edge
from blockspace.drawing.series_parallel import ROW_GAP, SeriesParallelLayout
from blockspace.drawing.units import DrawingEdge, DrawingLevel, DrawingUnit, parent_path
from blockspace.graph import Node

BAND, SIDE, FOOT = 30, 14, 16  # room in a frame above, beside and below what is inside
BUS = 12  # above what is inside: where a value with several readers spreads
PANEL_GAP = 36  # from the column to the panels, and from panel to panel
LANDSCAPE = 1.4  # width to height of a page
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lay_out_graph(level: DrawingLevel, fold: bool) -> Layout:
    """Return the layout of every step of a graph, blocks as frames; `fold` draws equal blocks and branches once."""
    level = fold_equal_blocks(level) if fold else level
    return SeriesParallelLayout(lambda unit: _place_block(unit, fold), fold).lay_out_region(level.units, level.edges)


def _place_block(unit: DrawingUnit, fold: bool) -> Layout | None:
    """Return the frame of a block; None for a unit with nothing inside."""
    return None if unit.level is None else _lay_out_frame(unit, unit.level, fold)


def _lay_out_frame(unit: DrawingUnit, level: DrawingLevel, fold: bool) -> Layout:
    """Return a frame around a level, under the title of the block `unit`."""
    inner = SeriesParallelLayout(lambda u: _place_block(u, fold), fold).lay_out_region(level.units, level.edges)
    band = BAND if len(inner.tops) == 1 else BAND + BUS
    title = measure_text(title_block(unit), LABEL_SIZE, bold=True) + 2 * SIDE + (BADGE_WIDTH if unit.mark else 0)
    left = max(SIDE, title - inner.axis)
    inner.shift(left, band)
    whole = Layout(left + inner.w + SIDE, band + inner.h + FOOT, inner.axis)
    whole.boxes.append(UnitBox(unit, 0, 0, whole.w, whole.h))
    whole.include(inner)
    turn: list[Point]
    for port in inner.tops:
        turn = [] if port.x == inner.axis else [(inner.axis, band - BUS), (port.x, band - BUS)]
        whole.add_line(port.edge, (inner.axis, 0), *turn, (port.x, band))
    for port in inner.bottoms:
        turn = [] if port.x == inner.axis else [(port.x, whole.h - FOOT / 2), (inner.axis, whole.h - FOOT / 2)]
        whole.add_line(port.edge, (port.x, whole.h - FOOT), *turn, (inner.axis, whole.h))
    return whole


def title_block(unit: DrawingUnit) -> str:
    """Return the title of a block's frame, with the number of equal blocks it stands for."""
    return f"{unit.label}  × {unit.times}" if unit.times > 1 else unit.label


# -- a network as stages ---------------------------------------------------------------------------------------------------------------


def lay_out_stages(level: DrawingLevel, measure_share: Callable[[list[Node]], float], fold: bool) -> Layout:
    """Return the layout of a network: the column of its stages at the left, a panel for each distinct block at the right.

    `measure_share` returns the share of nodes in the total cost, 0 to 1; the heat of a panel is relative to its block.
    """
    level = fold_equal_blocks(level, build_stage_key)
    firsts: dict[Hashable, DrawingUnit] = {}
    for unit in level.units:
        if unit.level is not None:
            first = firsts.setdefault(build_form_key(unit), unit)
            unit.mark = first.mark or _letter_block(len(firsts) - 1)
    column = _lay_out_column(level)
    panels = [_lay_out_panel(unit, unit.level, level.edges, measure_share, fold) for unit in firsts.values() if unit.level is not None]
    arranged = _arrange_panels(panels, column)
    whole = Layout(column.w + PANEL_GAP + arranged.w, max(column.h, arranged.h))
    whole.include(column.shift(0, 0))
    whole.include(arranged.shift(column.w + PANEL_GAP, 0))
    return whole


def _letter_block(i: int) -> str:
    """Return the letter of the block number `i`: A, B, ... Z, A2, ..."""
    return LETTERS[i % 26] + (str(i // 26 + 1) if i >= 26 else "")


def _lay_out_column(level: DrawingLevel) -> Layout:
    """Return the layout of a network with each run of blocks of one form as one box."""
    unit_of: dict[DrawingUnit | None, DrawingUnit] = {u: _make_stage_unit(u) if u.level is not None else u for u in level.units}
    edges = [DrawingEdge(unit_of[e.source], unit_of[e.target], e.value, e.slot) for e in level.edges]
    return SeriesParallelLayout(lambda unit: None, True).lay_out_region(list(unit_of.values()), edges)


def _make_stage_unit(unit: DrawingUnit) -> DrawingUnit:
    """Return a block as a plain box of the column."""
    label = f"{unit.label} × {unit.times}" if unit.times > 1 else unit.label
    return DrawingUnit(unit.name, "stage", unit.nodes, label, parent_path(unit.name) or unit.name, times=unit.times, mark=unit.mark)


def _lay_out_panel(
    unit: DrawingUnit, level: DrawingLevel, edges: list[DrawingEdge], measure_share: Callable[[list[Node]], float], fold: bool
) -> Layout:
    """Return the layout of one block with the edges that enter and leave it."""
    nodes = [node for inner in level.units for node in inner.nodes]
    shown = fold_equal_blocks(level) if fold else level
    block = DrawingUnit(unit.name, "block", nodes, unit.label, level=shown, mark=unit.mark)
    frame = _lay_out_frame(block, shown, fold)
    share = measure_share(nodes)
    for box in frame.boxes:
        box.share = share or 1
    entering = next(DrawingEdge(None, block, edge.value) for edge in edges if edge.target is unit)
    leaving = next(DrawingEdge(block, None, edge.value) for edge in level.edges if edge.target is None)
    frame.shift(0, ROW_GAP)
    whole = Layout(frame.w, frame.h + 2 * ROW_GAP, frame.axis)
    whole.include(frame)
    for edge, top in ((entering, 0), (leaving, whole.h - ROW_GAP)):
        whole.add_line(edge, (frame.axis, top), (frame.axis, top + ROW_GAP))
        whole.texts.append(EdgeText(label_edge(edge), frame.axis + 5, top + ROW_GAP - 10))
    return whole


def _arrange_panels(panels: list[Layout], column: Layout) -> Layout:
    """Return panels below each other in as many columns as make the whole, with `column` at its left, fit a page best."""
    heights = [p.h + PANEL_GAP for p in panels]
    limits = {sum(heights[i:j]) for i in range(len(panels)) for j in range(i + 1, len(panels) + 1)}
    limit = min(sorted(limits), key=lambda limit: _measure_page(panels, limit, column))
    whole = Layout()
    for stack in _break_into_columns(panels, limit):
        y, wide = 0.0, max(p.w for p in stack)
        for panel in stack:
            whole.include(panel.shift(whole.w, y))
            y += panel.h + PANEL_GAP
        whole.w, whole.h = whole.w + wide + PANEL_GAP, max(whole.h, y - PANEL_GAP)
    whole.w -= PANEL_GAP
    return whole


def _break_into_columns(panels: list[Layout], limit: float) -> list[list[Layout]]:
    """Return the panels in columns at most `limit` high; a panel that is higher has a column of its own."""
    stacks: list[list[Layout]] = [[]]
    for panel in panels:
        if stacks[-1] and sum(p.h + PANEL_GAP for p in (*stacks[-1], panel)) > limit + 0.01:
            stacks.append([])
        stacks[-1].append(panel)
    return stacks


def _measure_page(panels: list[Layout], limit: float, column: Layout) -> float:
    """Return the height of the smallest landscape page for the column and the panels in columns at most `limit` high."""
    stacks = _break_into_columns(panels, limit)
    w = column.w + sum(PANEL_GAP + max(p.w for p in stack) for stack in stacks)
    h = max(column.h, *(sum(p.h + PANEL_GAP for p in stack) - PANEL_GAP for stack in stacks))
    return max(w / LANDSCAPE, h)
