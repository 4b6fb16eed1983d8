"""Count how a graph is built: nodes by kind, operations by name, depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
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
        """Return the counts of a graph."""
        nodes = [node for node in graph if node.call is not None]
        kinds = Counter(node.kind for node in nodes)
        return cls(
            {kind: kinds[kind] for kind in ("split", "transform", "merge")},
            dict(Counter(name_operation(node.op) for node in nodes)),
            count_longest_path(graph, lambda node: isinstance(node.op, (Conv, Linear))),
            count_longest_path(graph, lambda node: node.call is not None),
        )


def name_operation(op: Op) -> str:
    """Return an operation's name with its kernel: conv3x3, conv3x3 in 32 groups, dwconv3x3, maxpool3x3, concat."""
    return f"{op.word()} in {op.groups} groups" if isinstance(op, Conv) and op.groups > 1 and not op.depthwise else op.word()


def count_longest_path(graph: Graph, counts: Callable[[Node], bool]) -> int:
    """Return the most nodes for which `counts` is true on one path from the input to the output."""
    lengths: dict[str, int] = {}
    for node in graph:
        lengths[node.name] = max((lengths[name] for name in node.inputs), default=0) + counts(node)
    return lengths[graph.output]


def group_by_stage(graph: Graph) -> dict[str, list[Node]]:
    """Return a network's nodes by the first part of their name: stem, stage1, ..., head."""
    stages: dict[str, list[Node]] = {}
    for node in graph:
        if node.kind != "input":
            stages.setdefault(node.name.partition(".")[0], []).append(node)
    return stages
