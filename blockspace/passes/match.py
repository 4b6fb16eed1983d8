"""Match: what a rule wants done at one place. Written down first, so that it can be checked before anything changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blockspace.graph import Node
from blockspace.ops import Op, Shape
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.weight_map import ConcatExpr, SameExpr, SourceExpr, WeightExpr


class Match:
    """New nodes, which values take the place of which, and the tensors of the new nodes as expressions over the old ones."""

    def __init__(self, graph: MutableGraph):
        self.graph = graph
        self.nodes: dict[str, Node] = {}
        self.values: dict[str, str] = {}  # old value -> the value that takes its place
        self.weights: dict[str, WeightExpr] = {}
        self.dropped: list[str] = []  # nodes without readers
        self.blocks: set[str] = set()  # the blocks whose nodes are merged

    def shape(self, name: str) -> Shape:
        """Return the shape of a value, old or new."""
        return self.nodes[name].shape if name in self.nodes else self.graph[name].shape

    def add(self, op: Op, *inputs: str, of: Sequence[Node], last: str = "", same: bool = False) -> str:
        """Return a new node; returns its name, made of what the names of the nodes `of` have in common, ending in `last` if given.

        `same`: it keeps the name of the one node it replaces.
        """
        path = self.graph.common([node.name for node in of], last or op.name)
        self.blocks |= {self.graph.block(node.name) for node in of}
        if last:
            path = ".".join([*path.split(".")[:-1], last])
        name = path if same else self.graph.free(path, self.nodes)
        shape = op.shape(*(self.shape(source) for source in inputs))
        self.nodes[name] = Node(name, op, inputs, shape, of[0].mark)
        if same:
            self.values[name] = name
        return name

    def put(self, old: Node, new: str) -> Match:
        """Let the value `new` take the place of `old`."""
        self.values[old.name] = new
        return self

    def stack(
        self, new: str, of: Sequence[Node], dims: Mapping[str, int] | None = None, but: Mapping[str, Sequence[Node]] | None = None
    ) -> None:
        """Make the tensors of `new` those of `of`, concatenated along the first dimension or that in `dims`; counters are equal.

        `but`: tensors that come from other nodes.
        """
        for key, size in self.nodes[new].op.tensors().items():
            parts = tuple(tensor_of(node, key) for node in (but or {}).get(key, of))
            self.weights[f"{new}.{key}"] = ConcatExpr(parts, (dims or {}).get(key, 0)) if size else SameExpr(parts)


def tensor_of(node: Node, key: str) -> SourceExpr:
    """Return a tensor of a layer by its name in the state_dict."""
    return SourceExpr(f"{node.name}.{key}", node.op.tensors()[key])
