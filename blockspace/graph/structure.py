"""Structure: how a graph is built, in numbers - nodes by kind, operations by name, how deep it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from blockspace.graph.graph import Graph, Node
from blockspace.ops import Conv, Linear, Op


@dataclass(frozen=True)
class Structure:
    """Counts of a graph, without nodes that only pass a value through.

    `kinds`: nodes that split, transform, merge. `ops`: nodes by operation, as YAML writes it. `layers`: convolutions and linear layers on
    the path with most of them, the depth that papers name (ResNet-50: 50). `steps`: nodes on the longest path.
    """

    kinds: dict[str, int]
    ops: dict[str, int]
    layers: int
    steps: int

    @classmethod
    def of(cls, graph: Graph) -> Structure:
        nodes = [node for node in graph if node.call is not None]
        kinds = Counter(node.kind for node in nodes)
        return cls(
            {kind: kinds[kind] for kind in ("split", "transform", "merge")},
            dict(Counter(word(node.op) for node in nodes)),
            longest(graph, lambda node: isinstance(node.op, (Conv, Linear))),
            longest(graph, lambda node: node.call is not None),
        )


def word(op: Op) -> str:
    """An operation's name with what makes its kernel: conv3x3, conv3x3 in 32 groups, dwconv3x3, maxpool3x3, concat."""
    name = op.word() if hasattr(op, "word") else op.name
    return f"{name} in {op.groups} groups" if isinstance(op, Conv) and op.groups > 1 and not op.depthwise else name


def longest(graph: Graph, counts) -> int:
    """The most nodes that count on one path from the input to the output."""
    found: dict[str, int] = {}
    for node in graph:
        found[node.name] = max((found[name] for name in node.inputs), default=0) + bool(counts(node))
    return found[graph.output]


def stages(graph: Graph) -> dict[str, list[Node]]:
    """A network's nodes by the first part of their name: stem, stage1, ..., head."""
    found: dict[str, list[Node]] = {}
    for node in graph:
        if node.kind != "input":
            found.setdefault(node.name.partition(".")[0], []).append(node)
    return found
