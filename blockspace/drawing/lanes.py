"""Text drawings: the graph as lanes from top to bottom, each row one step with its channels and costs."""

from __future__ import annotations

from blockspace.drawing.rows import Row, rows
from blockspace.graph import Graph
from blockspace.ops import show


def draw_lanes(graph: Graph) -> str:
    """The drawing: lanes, what each step does, its output shape, params and macs (at batch 1), its name."""
    found = rows(graph)
    pictures = lanes(graph, found)
    cells = [(p, r.text(), show(r.output.shape), *costs(r), r.name()) for p, r in zip(pictures, found)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells)]
    lines = []
    for picture, what, shape, params, macs, name in cells:
        left = f"{picture:<{widths[0]}}  {what:<{widths[1]}}  {shape:>{widths[2]}}"
        lines.append(f"{left}  {params:>{widths[3]}}  {macs:>{widths[4]}}  {name}".rstrip())
    return "\n".join(lines)


def costs(row: Row) -> tuple[str, str]:
    """Params and macs of a step, empty where it has none."""
    params = sum(n.op.params() for n in row.nodes)
    macs = sum(n.op.macs(n.shape) for n in row.nodes)
    return (f"{params:,} params" if params else "", f"{macs:,} macs" if macs else "")


def lanes(graph: Graph, found: list[Row]) -> list[str]:
    """The picture of each row: a lane for each value that is still to be read."""
    left = {name: len(by) for name, by in graph.readers().items()}
    held: list[str | None] = []
    pictures = []
    for row in found:
        names = list(dict.fromkeys(row.inputs))
        sources = [held.index(name) for name in names]
        for name in row.inputs:
            left[name] -= 1
        ended = [col for name, col in zip(names, sources) if left[name] == 0]
        target = ended[0] if ended else free_lane(held, max(sources, default=-1))
        pictures.append(picture(held, sources, ended, target, row.glyph))
        for col in ended:
            held[col] = None
        if target == len(held):
            held.append(None)
        held[target] = row.output.name
        while held and held[-1] is None:
            held.pop()
    return pictures


def free_lane(held: list[str | None], after: int) -> int:
    """The first empty lane to the right of the inputs, or a new one."""
    return next((col for col in range(after + 1, len(held)) if held[col] is None), len(held))


def picture(held: list[str | None], sources: list[int], ended: list[int], target: int, glyph: str) -> str:
    """One line of box-drawing characters: where the step stands, which lanes end in it, which go on."""
    touched = [*sources, target]
    low, high = min(touched), max(touched)
    cells = []
    for col in range(max(len(held), target + 1)):
        between = low <= col <= high
        live = col < len(held) and held[col] is not None
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
