"""Draw graphs as SVG, as PNG, and as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from html import escape
from math import ceil
from typing import Any

from blockspace.drawing.font import measure_text
from blockspace.drawing.node_shapes import format_coordinate as n, write_arrow_head, write_edge_path, write_unit_shape
from blockspace.drawing.page_layout import lay_out_graph, lay_out_stages, title_block
from blockspace.drawing.primitives import BADGE_WIDTH, LABEL_SIZE, SMALL_SIZE, EdgeLine, Layout, Point, UnitBox
from blockspace.drawing.rasterize import rasterize_svg
from blockspace.drawing.theme import HEAT_OPACITY, SHARED_CLASS, THEMES, scope_style_sheet
from blockspace.drawing.units import DrawingEdge, DrawingLevel, DrawingUnit, build_levels, format_spaced_shape
from blockspace.errors import did_you_mean, error
from blockspace.extensions import load_extension
from blockspace.formatting import count_noun
from blockspace.graph import Graph, Node
from blockspace.ops import format_shape
from blockspace.quantities import list_quantities

MARGIN = 20
HEAD_HEIGHT, LEGEND_HEIGHT = 48, 40  # of the title above and the legend below
SWATCHES = 6
MANY_STEPS = 60  # a graph of more is drawn as stages
MOST_CROSSINGS = 10_000  # edges of one level beyond one a step: more take minutes to route, and cannot be told apart
TABLE_COLUMNS = ("node", "operation", "output", "params", "macs")


def draw_svg(
    graph: Graph,
    *,
    heat: str | Mapping[str, float] | None = "macs",
    fold: bool = True,
    stages: bool | None = None,
    theme: str = "auto",
    head: bool = True,
    styled: bool = True,
) -> str:
    """Return the graph as SVG: branches side by side in the order of the YAML, channels at edges, blocks framed, costs as heat.

    Args:
        graph: the graph to draw.
        heat: the cost that colours the boxes: any that is a sum over nodes, as macs, params, acts and bytes; amounts by node name; or None.
        fold: draw equal blocks in a row, and equal branches, once.
        stages: draw a network as a column of its blocks, with each distinct block beside it; None does so for graphs of many steps.
        theme: light, dark, or auto, which follows the reader's system.
        head: add a title above and a legend below.
        styled: include the style sheet. A page with many drawings has `build_style_sheet()` once instead, for example because its content
            security policy names each sheet by its hash.

    Raises:
        BlockspaceError: E-KEY for a cost or node that does not exist, E-TYPE for a theme that does not exist and negative amounts,
            E-TOO-BIG for more edges than can be told apart.
    """
    level, heat_map = build_levels(graph), HeatMap(graph, heat)
    check_edges(graph.name, level)
    staged = stages if stages is not None else _needs_stages(level)
    blocks = any(unit.level is not None for unit in level.units)
    layout = lay_out_stages(level, heat_map.measure_share, fold) if staged and blocks else lay_out_graph(level, fold)
    return SvgWriter(graph, heat_map, theme, styled).write(layout, head)


def check_edges(name: str, level: DrawingLevel) -> None:
    """Raise BlockspaceError (E-TOO-BIG) for a level, or one inside it, with too many edges between its steps."""
    edges, steps = len(level.edges), len(level.units)
    if edges - steps > MOST_CROSSINGS:
        message = f"{name}: {edges:,} edges between {count_noun(steps, 'step')} cannot be told apart in a picture"
        raise error("E-TOO-BIG", message, help="`blockspace show FILE --nodes` lists the steps; graph.nx is a graph for other tools")
    for unit in level.units:
        if unit.level is not None:
            check_edges(unit.name, unit.level)


def draw_png(graph: Graph, *, theme: str = "light", scale: float = 2, **options: Any) -> bytes:
    """Return the graph as PNG, `scale` pixels per unit of the SVG; `options` are those of `draw_svg`.

    Raises BlockspaceError: E-KEY and E-TYPE as `draw_svg`, E-TOO-BIG for more than 64 million pixels.
    """
    theme = "light" if theme == "auto" else theme
    picture = draw_svg(graph, theme=theme, **options)
    return rasterize_svg(picture, scale=scale, background=THEMES[theme]["paper"])  # also in the corners


def draw_html(graph: Graph, **options: Any) -> str:
    """Return HTML for a notebook: the SVG, and a folded table of the nodes with shapes and costs; `options` are those of `draw_svg`."""
    rows = "".join(_write_table_row(node) for node in graph if node.kind != "input")
    head = "".join(f"<th>{name}</th>" for name in TABLE_COLUMNS)
    return (
        f'<div style="overflow:auto;max-width:100%">{draw_svg(graph, **options)}</div>'
        f"<details><summary>{count_noun(len(graph) - 1, 'node')}</summary><div style='overflow:auto;max-height:30em'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _write_table_row(node: Node) -> str:
    """Return the HTML table row of a node: name, operation, shape, params, macs."""
    params, macs = node.op.params(), node.op.macs(node.shape)
    cells = (node.name, node.op.label(), format_shape(node.shape), f"{params:,}" if params else "", f"{macs:,}" if macs else "")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"


def _needs_stages(level: DrawingLevel) -> bool:
    """Return whether a graph has blocks and more steps than a drawing of all of them can show well."""
    return _count_steps(level) > MANY_STEPS and sum(unit.level is not None for unit in level.units) > 1


def _count_steps(level: DrawingLevel) -> int:
    """Return the number of units of a level, over all blocks."""
    return sum(1 if unit.level is None else _count_steps(unit.level) for unit in level.units)


class HeatMap:
    """The share of each node in the total of a cost; `name` is the cost as the legend calls it, empty for no heat.

    Raises BlockspaceError: E-KEY for a cost or a node that does not exist, E-TYPE for a negative amount.
    """

    def __init__(self, graph: Graph, heat: str | Mapping[str, float] | None):
        self.name, amounts = _measure_heat(graph, heat)
        self.total = sum(amounts.values())
        self.shares = {name: cost / self.total for name, cost in amounts.items()} if self.total else {}

    def measure_share(self, nodes: Sequence[Node]) -> float:
        """Return the share of nodes together in the total, 0 to 1."""
        return sum(self.shares.get(node.name, 0) for node in nodes)


def _measure_heat(graph: Graph, heat: str | Mapping[str, float] | None) -> tuple[str, dict[str, float]]:
    """Return the name of the cost that the heat shows, and the amount of each node."""
    if heat is None:
        return "", {}
    if isinstance(heat, Mapping):
        unknown = next((name for name in heat if name not in graph.nodes), None)
        if unknown is not None:
            raise error("E-KEY", f"heat: no node {unknown!r}", help=did_you_mean(str(unknown), graph.nodes))
        if min(heat.values(), default=0) < 0:
            raise error("E-TYPE", "heat: amounts are 0 or more")
        return "the given cost", dict(heat)
    known = [quantity.name for quantity in list_quantities("cost") if quantity.is_sum]
    if heat not in known:
        raise error("E-KEY", f"no heat {heat!r}", help=did_you_mean(str(heat), known) or f"known: {', '.join(known)}")
    return heat, dict(load_extension("node_costs")(graph).counts(heat))


class SvgWriter:
    """Writes the layout of one graph as SVG text."""

    def __init__(self, graph: Graph, heat_map: HeatMap, theme: str, styled: bool):
        self.graph, self.heat_map, self.theme, self.styled = graph, heat_map, theme, styled
        self.hottest = 0.0  # the share of the hottest box

    def write(self, layout: Layout, head: bool) -> str:
        """Return the SVG; `head` adds the title and, where there is a cost to show, the legend."""
        above, below = (HEAD_HEIGHT if head else 0), (LEGEND_HEIGHT if head and self.heat_map.name and self.heat_map.total > 0 else 0)
        title = max((measure_text(line, 12) for line in self._summarize_graph()), default=0) if head else 0
        w, h = max(layout.w, title, 240 if below else 0), layout.h
        layout.shift((w - layout.w) / 2, above)
        self.hottest = max((self._measure_box_share(box) for box in layout.boxes), default=0)
        frames = [box for box in layout.boxes if box.unit.level is not None]
        leaves = [box for box in layout.boxes if box.unit.level is None]
        body = [*map(self._write_box, frames), *_write_edges(layout.lines), *map(self._write_box, leaves), *_write_edge_texts(layout)]
        if head:
            body += self._write_title()
        if below:
            body += self._write_legend(above + h + 22, any(box.unit.kind == "stage" for box in layout.boxes))
        return self._write_document((w + 2 * MARGIN, above + h + below + 2 * MARGIN), "\n".join(body))

    def _write_document(self, size: Point, body: str) -> str:
        """Return the SVG document; its style applies under a class of its own, as a page may hold several drawings."""
        w, h = ceil(size[0]), ceil(size[1])  # whole pixels at any whole scale
        root = SHARED_CLASS if not self.styled else f"bs-{blake2b((body + self.theme).encode(), digest_size=5).hexdigest()}"
        rules = f"<style>{scope_style_sheet(root, self.theme)}</style>\n" if self.styled else ""
        label = escape(f"{self.graph.name}: {format_shape(self.graph.input_shape)} to {format_shape(self.graph.output_shape)}", quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{root}" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
            f'aria-label="{label}">\n{rules}'
            f'<rect class="paper" width="{w}" height="{h}" rx="8"/>\n<g transform="translate({MARGIN} {MARGIN})">\n{body}\n</g>\n</svg>\n'
        )

    # -- boxes -------------------------------------------------------------------------------------------------------------------------

    def _write_box(self, box: UnitBox) -> str:
        """Return the SVG group of a unit: tooltip, outline, heat and texts."""
        unit = box.unit
        share = self._measure_box_share(box)
        parts = [f"<title>{escape(self._describe_unit(unit))}</title>"]
        if unit.times > 1:
            for step in (6, 3):
                parts.append(write_unit_shape(UnitBox(unit, box.x + step, box.y + step, box.w, box.h), "shape"))
        parts.append(write_unit_shape(box, "shape"))
        if share and self.hottest:
            parts.append(write_unit_shape(box, "heat", f' fill-opacity="{HEAT_OPACITY * share / self.hottest:.3f}"'))
        parts += _write_box_texts(box)
        return f'<g class="{unit.kind}" data-unit="{escape(unit.name, quote=True)}">{"".join(parts)}</g>'

    def _measure_box_share(self, box: UnitBox) -> float:
        """Return the share that the colour of a box shows: 0 for a frame, and for a box that stands for branches not drawn."""
        return self.heat_map.measure_share(box.unit.nodes) / box.share if box.unit.level is None and box.unit.kind != "more" else 0

    def _describe_unit(self, unit: DrawingUnit) -> str:
        """Return the tooltip of a unit: its name, output shape and costs."""
        lines = [unit.name if unit.level is None else f"{unit.name}: {unit.label}"]
        if unit.times > 1:
            lines[0] += f", {unit.times} in a row"
        if unit.nodes:
            lines.append(format_spaced_shape(unit.nodes[-1].shape))
        params = sum(node.op.params() for node in unit.nodes)
        macs = sum(node.op.macs(node.shape) for node in unit.nodes)
        lines += [count_noun(params, "param")] * bool(params) + [f"{macs:,} macs"] * bool(macs)
        share = self.heat_map.measure_share(unit.nodes)
        return "\n".join(lines + [f"{share:.1%} of {self.heat_map.name}"] * bool(share))

    # -- title and legend --------------------------------------------------------------------------------------------------------------

    def _summarize_graph(self) -> tuple[str, str]:
        """Return the name of the graph, and its shapes and costs in one line."""
        params = sum(node.op.params() for node in self.graph)
        macs = sum(node.op.macs(node.shape) for node in self.graph)
        shapes = f"{format_shape(self.graph.input_shape)} → {format_shape(self.graph.output_shape)}".replace("x", "×")
        return self.graph.name, f"{shapes} · {params:,} params · {macs:,} macs"

    def _write_title(self) -> list[str]:
        """Return the two lines above the drawing."""
        name, summary = self._summarize_graph()
        return [f'<text class="head" x="0" y="12">{escape(name)}</text>', f'<text class="small" x="0" y="29">{escape(summary)}</text>']

    def _write_legend(self, y: float, staged: bool) -> list[str]:
        """Return the scale of the heat, from 0 to the share of the hottest box."""
        text = f"share of {self.heat_map.name}{' (left: of the whole, right: of the block)' if staged else ''}: 0"
        x = measure_text(text, SMALL_SIZE) + 6
        parts = [f'<text class="small" x="0" y="{n(y + 9)}">{escape(text)}</text>']
        for i in range(SWATCHES):
            opacity = HEAT_OPACITY * (i + 0.5) / SWATCHES
            parts.append(f'<rect class="heat" x="{n(x + 16 * i)}" y="{n(y)}" width="16" height="11" fill-opacity="{opacity:.3f}"/>')
        parts.append(f'<text class="small" x="{n(x + 16 * SWATCHES + 6)}" y="{n(y + 9)}">{self.hottest:.0%}</text>')
        return parts


def _write_box_texts(box: UnitBox) -> list[str]:
    """Return the texts inside a box."""
    unit, middle = box.unit, box.x + box.w / 2
    if unit.level is not None:
        x = box.x + 14 + (BADGE_WIDTH if unit.mark else 0)
        title = f'<text class="name" x="{n(x)}" y="{n(box.y + 20)}">{escape(title_block(unit))}</text>'
        return [*_write_letter(unit, box.x + 22, box.y + 16), title]
    if not unit.label:
        return []
    y = box.y + box.h / 2 + LABEL_SIZE * 0.36 - (7 if unit.note else 0)
    label = f'<text class="label" x="{n(middle)}" y="{n(y)}">{escape(unit.label)}</text>'
    note = f'<text class="note" x="{n(middle)}" y="{n(y + 14)}">{escape(unit.note)}</text>'
    return [*_write_letter(unit, box.x + 18, box.y + box.h / 2), label, *([note] if unit.note else [])]


def _write_letter(unit: DrawingUnit, x: float, y: float) -> list[str]:
    """Return the letter of a block that a panel shows, in a circle."""
    if not unit.mark:
        return []
    letter = f'<text class="letter" x="{n(x)}" y="{n(y + 4)}">{escape(unit.mark)}</text>'
    return [f'<circle class="badge" cx="{n(x)}" cy="{n(y)}" r="9"/>{letter}']


def _write_edges(lines: list[EdgeLine]) -> list[str]:
    """Return each edge as one path from its source to its target."""
    parts: dict[DrawingEdge, list[list[Point]]] = {}
    for line in lines:
        parts.setdefault(line.edge, []).append(line.points)
    return [_write_edge(edge, join_lines(pieces)) for edge, pieces in parts.items()]


def _write_edge(edge: DrawingEdge, points: list[Point]) -> str:
    """Return the path of an edge, dotted at branches that are not drawn, with an arrow head where it arrives at a step."""
    known = [(key, unit) for key, unit in (("from", edge.source), ("to", edge.target)) if unit is not None]
    ends = "".join(f' data-{key}="{escape(unit.name, quote=True)}"' for key, unit in known)
    dotted = any(unit is not None and unit.kind == "more" for unit in (edge.source, edge.target))
    line = f'<path class="edge{" dotted" if dotted else ""}" d="{write_edge_path(points)}"{ends}/>'
    arrives = edge.target is not None and edge.target.level is None and edge.target.kind != "more"
    return line + (f'<path class="tip" d="{write_arrow_head(points)}"/>' if arrives else "")


def _write_edge_texts(layout: Layout) -> list[str]:
    """Return the channels at edges and the names of branches."""
    texts = []
    for text in layout.texts:
        css = "small" + (" branch" if text.role == "branch" else "") + (" end" if text.anchor == "end" else "")
        texts.append(f'<text class="{css}" x="{n(text.x)}" y="{n(text.y)}">{escape(text.text)}</text>')
    return texts


def join_lines(parts: list[list[Point]]) -> list[Point]:
    """Return the parts of one line end to end, whatever their order."""
    starts = {_round_point(part[0]): part for part in parts}
    ends = {_round_point(part[-1]) for part in parts}
    first = next(part for part in parts if _round_point(part[0]) not in ends)
    joined = list(first)
    while (part := starts.pop(_round_point(joined[-1]), first)) is not first:
        joined += part[1:]
    return joined


def _round_point(point: Point) -> tuple[int, int]:
    """Return a point in hundredths, equal for points that differ by rounding errors."""
    return round(point[0] * 100), round(point[1] * 100)
