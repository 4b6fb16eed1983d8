"""Draw graphs as text: lanes from top to bottom with a row for each step, and networks as an outline with a line for each block."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.drawing.units import DrawingRow, group_rows, parent_path
from blockspace.formatting import count_noun
from blockspace.graph import Graph, Node
from blockspace.ops import Shape, format_shape


def draw_lanes(graph: Graph) -> str:
    """Return the graph as lanes of box-drawing characters, a row for each step.

    Each row shows what the step does, its output shape `CxHxW`, its params and macs (at batch 1), and its name.
    """
    rows = group_rows(graph)
    pictures = _draw_lane_pictures(graph, rows)
    cells = [(p, r.text(), format_shape(r.output.shape), *_format_step_costs(r.nodes), r.name()) for p, r in zip(pictures, rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells)]
    lines = []
    for picture, what, shape, params, macs, name in cells:
        left = f"{picture:<{widths[0]}}  {what:<{widths[1]}}  {shape:>{widths[2]}}"
        lines.append(f"{left}  {params:>{widths[3]}}  {macs:>{widths[4]}}  {name}".rstrip())
    return "\n".join(lines)


def _format_step_costs(nodes: list[Node]) -> tuple[str, str]:
    """Return params and macs (at batch 1) of nodes together as text with their unit, empty where they are 0."""
    params, macs = sum(n.op.params() for n in nodes), sum(n.op.macs(n.shape) for n in nodes)
    return count_noun(params, "param") if params else "", f"{macs:,} macs" if macs else ""


def _draw_lane_pictures(graph: Graph, rows: list[DrawingRow]) -> list[str]:
    """Return the lanes of each row; a lane carries one value from the row that makes it to its last reader."""
    unread = {name: len(by) for name, by in graph.readers().items()}
    lanes: list[str | None] = []  # the value in each lane
    pictures = []
    for row in rows:
        names = list(dict.fromkeys(row.inputs))
        sources = [lanes.index(name) for name in names]
        for name in row.inputs:
            unread[name] -= 1
        ended = [col for name, col in zip(names, sources) if unread[name] == 0]
        target = ended[0] if ended else _find_free_lane(lanes, max(sources, default=-1))
        pictures.append(_draw_lane_row(lanes, sources, ended, target, row.glyph))
        for col in ended:
            lanes[col] = None
        if target == len(lanes):
            lanes.append(None)
        lanes[target] = row.output.name
        while lanes and lanes[-1] is None:
            lanes.pop()
    return pictures


def _find_free_lane(lanes: list[str | None], after: int) -> int:
    """Return the first empty lane to the right of lane `after`, or a new one."""
    return next((col for col in range(after + 1, len(lanes)) if lanes[col] is None), len(lanes))


def _draw_lane_row(lanes: list[str | None], sources: list[int], ended: list[int], target: int, glyph: str) -> str:
    """Return one row: `glyph` in lane `target`, lines from the lanes in `sources`, of which those in `ended` stop here."""
    touched = [*sources, target]
    low, high = min(touched), max(touched)
    cells = []
    for col in range(max(len(lanes), target + 1)):
        between = low <= col <= high
        live = col < len(lanes) and lanes[col] is not None
        if col == target:
            mark = glyph
        elif col in ended:
            mark = "╯" if col > target else "╰"
        elif col in sources:
            mark = "├" if col < target else "┤"
        elif between:
            mark = "┼" if live else "─"
        else:
            mark = "│" if live else " "
        cells.append(mark + ("─" if between and col < high else " "))
    return "".join(cells).rstrip()


def draw_outline(graph: Graph) -> str:
    """Return a network as text, a line for each outermost block, equal neighbours as one line with their number.

    Steps outside of blocks have a line each. A line shows the output shape `CxHxW`, params and macs (at batch 1) of one block.
    """
    cells = [("", "", "input", format_shape(graph.input_shape), "", "")]
    for row in _group_outline_rows(graph):
        cells.append((f"{row.times} x" if row.times > 1 else "", row.path, row.what, format_shape(row.shape), *row.costs))
    widths = [max(len(c) for c in column) for column in zip(*cells)]
    return "\n".join(
        f"{a:>{widths[0]}} {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}  {e:>{widths[4]}}  {f:>{widths[5]}}".rstrip()
        for a, b, c, d, e, f in cells
    )


@dataclass
class OutlineRow:
    """One line of an outline: `times` equal blocks or steps in a row, of which `path` is the first."""

    path: str
    what: str
    shape: Shape
    costs: tuple[str, str]
    times: int = 1

    def equals(self, other: OutlineRow) -> bool:
        """Return whether both show the same block with equal shape and costs."""
        return (self.what, self.shape, self.costs) == (other.what, other.shape, other.costs)


def _group_outline_rows(graph: Graph) -> list[OutlineRow]:
    """Return the outermost blocks, and the steps outside of blocks; equal neighbouring blocks become one row."""
    outer = [path for path in graph.scopes if not any(path.startswith(f"{other}.") for other in graph.scopes)]
    members: dict[str, list[Node]] = {}
    for node in graph:
        if node.kind != "input":
            block = next((path for path in outer if node.name.startswith(f"{path}.")), None)
            members.setdefault(block or parent_path(node.name) or node.name, []).append(node)
    rows: list[OutlineRow] = []
    for path, nodes in members.items():
        what = graph.scopes[path].block if path in graph.scopes else ", ".join(n.op.label() for n in nodes)
        row = OutlineRow(path, what, nodes[-1].shape, _format_step_costs(nodes))
        if rows and path in graph.scopes and rows[-1].equals(row):
            rows[-1].times += 1
        else:
            rows.append(row)
    return rows
