"""Pictures: a graph as SVG, which stands alone as a file and inside of a page, and as PNG."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from html import escape
from math import ceil

from blockspace.drawing.font import measure_text
from blockspace.drawing.frame import laid_out, title
from blockspace.drawing.heat import Heat
from blockspace.drawing.leaves import BADGE, LABEL, SMALL
from blockspace.drawing.piece import Box, Piece, Point, Run
from blockspace.drawing.rasterize import rasterize_svg
from blockspace.drawing.shapes import n, outline, tip, way
from blockspace.drawing.stages import staged
from blockspace.drawing.theme import HEAT, SHARED, THEMES, style
from blockspace.drawing.units import Edge, Level, Unit, levels, spaced
from blockspace.graph import Graph
from blockspace.ops import show

MARGIN = 20
HEAD, LEGEND = 48, 40  # heights of the title above and the legend below
SWATCHES = 6
MANY = 60  # steps; a graph of more is drawn as stages


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
    """The graph as SVG: branches side by side in the order of the YAML, channels at edges, blocks framed, costs as heat.

    `heat` is macs, params or acts, amounts by node name, or None. `fold` draws equal blocks and branches once. `stages` draws the blocks of
    a network as a column and each distinct one once beside it; None does so for what would be long. `theme` is light, dark, or auto: as the
    reader's system says. `head` adds the title above and the legend below. `styled=False` leaves out the style sheet: a page with many
    drawings carries `style_sheet()` once, as one whose policy names each sheet by its hash has to. Raises BlockspaceError: E-KEY, E-TYPE.
    """
    level, shares = levels(graph), Heat(graph, heat)
    many = stages if stages is not None else long(level)
    blocks = any(unit.level is not None for unit in level.units)
    piece = staged(level, shares, fold) if many and blocks else laid_out(level, fold)
    return Sheet(graph, shares, theme, styled).drawn(piece, head)


def long(level: Level) -> bool:
    """Whether a drawing of every step would be too long to look at."""
    return drawn_units(level) > MANY and sum(unit.level is not None for unit in level.units) > 1


def drawn_units(level: Level) -> int:
    return sum(1 if unit.level is None else drawn_units(unit.level) for unit in level.units)


def draw_png(graph: Graph, *, theme: str = "light", scale: float = 2, **options) -> bytes:
    """The graph as PNG, `scale` pixels per unit of the SVG; `options` are those of `svg`. Raises BlockspaceError: also E-TOO-BIG."""
    theme = "light" if theme == "auto" else theme
    picture = draw_svg(graph, theme=theme, **options)
    return rasterize_svg(picture, scale=scale, background=THEMES[theme]["paper"])  # also in the corners


class Sheet:
    """One drawing on its way to text."""

    def __init__(self, graph: Graph, heat: Heat, theme: str, styled: bool):
        self.graph, self.heat, self.theme, self.styled = graph, heat, theme, styled
        self.hottest = 0.0

    def drawn(self, piece: Piece, head: bool) -> str:
        """The whole SVG."""
        costly = self.heat.name and self.heat.total > 0
        above, below = (HEAD if head else 0), (LEGEND if head and costly else 0)
        least = max((measure_text(line, 12) for line in self.head()), default=0) if head else 0
        w, h = max(piece.w, least, 240 if below else 0), piece.h
        piece.moved((w - piece.w) / 2, above)
        self.boxed = piece.boxes
        self.hottest = max((self.share(box) for box in piece.boxes), default=0)
        body = [*self.boxes(piece, True), *self.edges(piece.runs), *self.boxes(piece, False), *self.texts(piece)]
        if head:
            body += self.title() + (self.legend(above + h + 22) if below else [])
        size = (w + 2 * MARGIN, above + h + below + 2 * MARGIN)
        return self.whole(size, "\n".join(body))

    def whole(self, size: Point, body: str) -> str:
        """The document; all its classes stand under one that no other drawing has."""
        w, h = ceil(size[0]), ceil(size[1])  # whole pixels at any whole scale
        root = SHARED if not self.styled else f"bs-{blake2b((body + self.theme).encode(), digest_size=5).hexdigest()}"
        rules = f"<style>{style(root, self.theme)}</style>\n" if self.styled else ""
        label = escape(f"{self.graph.name}: {show(self.graph.input_shape)} to {show(self.graph.output_shape)}", quote=True)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{root}" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
            f'aria-label="{label}">\n{rules}'
            f'<rect class="paper" width="{w}" height="{h}" rx="8"/>\n<g transform="translate({MARGIN} {MARGIN})">\n{body}\n</g>\n</svg>\n'
        )

    # -- boxes -------------------------------------------------------------------------------------------------------------------------

    def boxes(self, piece: Piece, frames: bool) -> list[str]:
        """Frames, or the units in them."""
        return [self.box(box) for box in piece.boxes if (box.unit.level is not None) == frames]

    def box(self, box: Box) -> str:
        unit = box.unit
        share = self.share(box)
        parts = [f"<title>{escape(self.hover(unit))}</title>"]
        if unit.times > 1:
            for step in (6, 3):
                parts.append(outline(Box(unit, box.x + step, box.y + step, box.w, box.h), "shape"))
        parts.append(outline(box, "shape"))
        if share and self.hottest:
            parts.append(outline(box, "heat", f' fill-opacity="{HEAT * share / self.hottest:.3f}"'))
        parts += self.words(box)
        return f'<g class="{unit.kind}" data-unit="{escape(unit.name, quote=True)}">{"".join(parts)}</g>'

    def share(self, box: Box) -> float:
        """The share that the colour of a box shows: none for a frame, and none for what stands for branches not drawn."""
        return self.heat.share(box.unit.nodes) / box.share if box.unit.level is None and box.unit.kind != "more" else 0

    def words(self, box: Box) -> list[str]:
        """The texts inside a box."""
        unit, middle = box.unit, box.x + box.w / 2
        if unit.level is not None:
            x = box.x + 14 + (BADGE if unit.mark else 0)
            return [*badge(unit, box.x + 22, box.y + 16), f'<text class="name" x="{n(x)}" y="{n(box.y + 20)}">{escape(title(unit))}</text>']
        if not unit.label:
            return []
        y = box.y + box.h / 2 + LABEL * 0.36 - (7 if unit.note else 0)
        found = [*badge(unit, box.x + 18, box.y + box.h / 2), f'<text class="label" x="{n(middle)}" y="{n(y)}">{escape(unit.label)}</text>']
        if unit.note:
            found.append(f'<text class="note" x="{n(middle)}" y="{n(y + 14)}">{escape(unit.note)}</text>')
        return found

    def hover(self, unit: Unit) -> str:
        """What a reader sees who points at a unit: its name, shape and costs."""
        lines = [unit.name if unit.level is None else f"{unit.name}: {unit.label}"]
        if unit.times > 1:
            lines[0] += f", {unit.times} in a row"
        if unit.nodes:
            lines.append(spaced(unit.nodes[-1].shape))
        params = sum(node.op.params() for node in unit.nodes)
        macs = sum(node.op.macs(node.shape) for node in unit.nodes)
        lines += [f"{params:,} params"] * bool(params) + [f"{macs:,} macs"] * bool(macs)
        share = self.heat.share(unit.nodes)
        return "\n".join(lines + [f"{share:.1%} of {self.heat.name}"] * bool(share))

    # -- edges -------------------------------------------------------------------------------------------------------------------------

    def edges(self, runs: list[Run]) -> list[str]:
        """Each edge as one path from its source to its target."""
        parts: dict[Edge, list[list[Point]]] = {}
        for run in runs:
            parts.setdefault(run.edge, []).append(run.points)
        return [self.edge(edge, joined(pieces)) for edge, pieces in parts.items()]

    def edge(self, edge: Edge, points: list[Point]) -> str:
        known = [(key, unit) for key, unit in (("from", edge.source), ("to", edge.target)) if unit is not None]
        ends = "".join(f' data-{key}="{escape(unit.name, quote=True)}"' for key, unit in known)
        dotted = any(unit is not None and unit.kind == "more" for unit in (edge.source, edge.target))
        line = f'<path class="edge{" dotted" if dotted else ""}" d="{way(points)}"{ends}/>'
        arrives = edge.target is not None and edge.target.level is None and edge.target.kind != "more"
        return line + (f'<path class="tip" d="{tip(points)}"/>' if arrives else "")

    def texts(self, piece: Piece) -> list[str]:
        """Channels at edges and names of branches."""
        found = []
        for text in piece.texts:
            css = "small" + (" branch" if text.role == "branch" else "") + (" end" if text.anchor == "end" else "")
            found.append(f'<text class="{css}" x="{n(text.x)}" y="{n(text.y)}">{escape(text.text)}</text>')
        return found

    # -- title and legend --------------------------------------------------------------------------------------------------------------

    def head(self) -> tuple[str, str]:
        params = sum(node.op.params() for node in self.graph)
        macs = sum(node.op.macs(node.shape) for node in self.graph)
        shapes = f"{show(self.graph.input_shape)} → {show(self.graph.output_shape)}".replace("x", "×")
        return self.graph.name, f"{shapes} · {params:,} params · {macs:,} macs"

    def title(self) -> list[str]:
        name, what = self.head()
        return [f'<text class="head" x="0" y="12">{escape(name)}</text>', f'<text class="small" x="0" y="29">{escape(what)}</text>']

    def legend(self, y: float) -> list[str]:
        """What the heat means."""
        staged = any(box.unit.kind == "stage" for box in self.boxed)
        text = f"share of {self.heat.name}{' (left: of the whole, right: of the block)' if staged else ''}: 0"
        x = measure_text(text, SMALL) + 6
        parts = [f'<text class="small" x="0" y="{n(y + 9)}">{escape(text)}</text>']
        for i in range(SWATCHES):
            opacity = HEAT * (i + 0.5) / SWATCHES
            parts.append(f'<rect class="heat" x="{n(x + 16 * i)}" y="{n(y)}" width="16" height="11" fill-opacity="{opacity:.3f}"/>')
        parts.append(f'<text class="small" x="{n(x + 16 * SWATCHES + 6)}" y="{n(y + 9)}">{self.hottest:.0%}</text>')
        return parts


def badge(unit: Unit, x: float, y: float) -> list[str]:
    """The letter of a block that is drawn beside."""
    if not unit.mark:
        return []
    letter = f'<text class="letter" x="{n(x)}" y="{n(y + 4)}">{escape(unit.mark)}</text>'
    return [f'<circle class="badge" cx="{n(x)}" cy="{n(y)}" r="9"/>{letter}']


def joined(pieces: list[list[Point]]) -> list[Point]:
    """The parts of one way end to end."""
    rest = list(pieces)
    starts = {spot(part[0]): part for part in rest}
    ends = {spot(part[-1]) for part in rest}
    first = next(part for part in rest if spot(part[0]) not in ends)
    found = list(first)
    while spot(found[-1]) in starts and starts[spot(found[-1])] is not first:
        part = starts.pop(spot(found[-1]))
        found += part[1:]
    return found


def spot(point: Point) -> tuple[int, int]:
    return round(point[0] * 100), round(point[1] * 100)
