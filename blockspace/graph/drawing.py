"""Text drawings: the graph as lanes from top to bottom, each row one step with its channels and costs."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.graph.graph import Graph, Node
from blockspace.ops import show

GLYPH = {"input": "●", "split": "◇", "transform": "○", "merge": "◆"}


@dataclass
class Row:
    """One drawn step: nodes that follow each other inside one step of the YAML, the values they read, and the one they make."""

    nodes: list[Node]

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.nodes[0].inputs

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    @property
    def glyph(self) -> str:
        return GLYPH[self.nodes[0].kind]

    def text(self) -> str:
        """What happens here: `conv3x3 28, norm, relu`."""
        return ", ".join(n.op.label() for n in self.nodes)

    def name(self) -> str:
        """The step's dotted name."""
        first = self.nodes[0].name
        return first.rpartition(".")[0] if len(self.nodes) > 1 else first


def text(graph: Graph) -> str:
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


def rows(graph: Graph) -> list[Row]:
    """Nodes joined into rows: a node follows in the row of its only input when both belong to one step and nothing else reads that."""
    readers = graph.readers()
    found: dict[str, Row] = {}
    for node in graph:
        before = found.get(node.inputs[0]) if len(node.inputs) == 1 else None
        same_step = before is not None and parent(before.output.name) == parent(node.name) != "" and before.nodes[0].kind == "transform"
        if same_step and readers[node.inputs[0]] == [node.name] and node.kind == "transform":
            before.nodes.append(node)
            found[node.name] = before
        else:
            found[node.name] = Row([node])
    return list({id(row): row for row in found.values()}.values())


def parent(name: str) -> str:
    return name.rpartition(".")[0]


def lanes(graph: Graph, found: list[Row]) -> list[str]:
    """The picture of each row: a lane for each value that is still to be read."""
    left = {name: len(by) for name, by in graph.readers().items()}
    held: list[str | None] = []
    pictures = []
    for row in found:
        sources = [held.index(name) for name in dict.fromkeys(row.inputs)]
        for name in row.inputs:
            left[name] -= 1
        ended = [col for col in sources if left[held[col]] == 0]
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


def outline(graph: Graph) -> str:
    """A network by its blocks: one line for each, equal neighbours folded; what is outside of blocks step by step."""
    groups = grouped(graph)
    cells = [("", "", "input", show(graph.input_shape), "", "")]
    for label, what, count, shape, params, macs in groups:
        times = f"{count} x" if count > 1 else ""
        cells.append((times, label, what, show(shape), f"{params:,} params" if params else "", f"{macs:,} macs" if macs else ""))
    widths = [max(len(c) for c in column) for column in zip(*cells)]
    return "\n".join(
        f"{a:>{widths[0]}} {b:<{widths[1]}}  {c:<{widths[2]}}  {d:>{widths[3]}}  {e:>{widths[4]}}  {f:>{widths[5]}}".rstrip()
        for a, b, c, d, e, f in cells
    )


def grouped(graph: Graph) -> list[tuple]:
    """(name, what, how many, shape, params, macs) for each outermost block or step outside of blocks; equal neighbours become one."""
    outer = [path for path in graph.scopes if not any(path.startswith(f"{other}.") for other in graph.scopes)]
    owner = {
        node.name: next((path for path in outer if node.name.startswith(f"{path}.")), parent(node.name) or node.name) for node in graph
    }
    members: dict[str, list[Node]] = {}
    for node in graph:
        if node.kind != "input":
            members.setdefault(owner[node.name], []).append(node)
    found: list[tuple] = []
    for path, nodes in members.items():
        what = graph.scopes[path].block if path in graph.scopes else ", ".join(n.op.label() for n in nodes)
        row = (what, nodes[-1].shape, sum(n.op.params() for n in nodes), sum(n.op.macs(n.shape) for n in nodes))
        if found and found[-1][1] == what and found[-1][3:] == row[1:] and path in graph.scopes:
            found[-1] = (found[-1][0], what, found[-1][2] + 1, *row[1:])
        else:
            found.append((path, what, 1, *row[1:]))
    return found
