"""Pages: a graph as a piece of HTML, for notebooks: the picture, and the table of its nodes."""

from __future__ import annotations

from html import escape

from blockspace.drawing.picture import draw_svg
from blockspace.graph import Graph, Node
from blockspace.ops import show

COLUMNS = ("node", "operation", "output", "params", "macs")


def draw_html(graph: Graph, **options) -> str:
    """The picture, and below it the nodes with their shapes and costs, closed until asked for; `options` are those of `svg`."""
    rows = "".join(row(node) for node in graph if node.kind != "input")
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    return (
        f'<div style="overflow:auto;max-width:100%">{draw_svg(graph, **options)}</div>'
        f"<details><summary>{len(graph) - 1:,} nodes</summary><div style='overflow:auto;max-height:30em'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def row(node: Node) -> str:
    params, macs = node.op.params(), node.op.macs(node.shape)
    cells = (node.name, node.op.label(), show(node.shape), f"{params:,}" if params else "", f"{macs:,}" if macs else "")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
