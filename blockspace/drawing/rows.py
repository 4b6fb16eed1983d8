"""Rows: the steps a drawing shows, each the nodes that follow each other inside one step of the YAML."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.graph import Graph, Node

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


def rows(graph: Graph) -> list[Row]:
    """Nodes joined into rows: a node follows in the row of its only input when both belong to one step and nothing else reads that."""
    readers = graph.readers()
    found: dict[str, Row] = {}
    for node in graph:
        before = found.get(node.inputs[0]) if len(node.inputs) == 1 else None
        if before is not None and continues(before, node) and readers[node.inputs[0]] == [node.name]:
            before.nodes.append(node)
            found[node.name] = before
        else:
            found[node.name] = Row([node])
    return list({id(row): row for row in found.values()}.values())


def continues(row: Row, node: Node) -> bool:
    """Whether a node belongs to the same step as a row."""
    return parent(row.output.name) == parent(node.name) != "" and row.nodes[0].kind == node.kind == "transform"


def parent(name: str) -> str:
    return name.rpartition(".")[0]
