"""A network as text: one line a block, equal neighbours folded."""

from __future__ import annotations

from blockspace.drawing.rows import parent
from blockspace.graph import Graph, Node
from blockspace.ops import show


def draw_outline(graph: Graph) -> str:
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
