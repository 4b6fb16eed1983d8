"""MutableGraph: a graph while it is rewritten. Nodes come and go, readers are known, names of new nodes are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import TypeGuard, TypeVar

from blockspace.errors import error
from blockspace.graph import Graph, Node
from blockspace.ops import Op, Shape

O = TypeVar("O", bound=Op)


class MutableGraph:
    """The nodes of a graph by name, in no order, with the readers of each."""

    def __init__(self, graph: Graph):
        self.name, self.output, self.scopes = graph.name, graph.output, dict(graph.scopes)
        self.nodes: dict[str, Node] = dict(graph.nodes)
        self.readers: dict[str, dict[str, int]] = {name: {} for name in self.nodes}  # reader -> how often it reads
        self.place: dict[str, tuple[int, ...]] = {name: (i,) for i, name in enumerate(self.nodes)}  # where to print a node
        self.stands_for: dict[str, str] = {}  # values that are gone -> what took their place
        self.found: MutableGraph | None = None  # itself as the rule at work found it, see `places`
        self.fresh: set[str] = set()  # nodes added since
        self.colours: dict[str, int] = {}  # of what was found
        self.around: dict[str, int] = {}  # dotted paths above nodes -> how many nodes are below
        for node in self.nodes.values():
            self._connect(node)
            self._count(node.name, 1)

    # -- reading ---------------------------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def inputs(self, node: Node) -> list[Node]:
        """Return the nodes it reads, by slot."""
        return [self.nodes[name] for name in node.inputs]

    def source(self, node: Node) -> Node:
        """Return the node in its first slot."""
        return self.nodes[node.inputs[0]]

    def readers_of(self, node: Node) -> list[Node]:
        """Return the nodes that read it, each once."""
        return [self.nodes[name] for name in self.readers[node.name]]

    def uses(self, node: Node) -> int:
        """Return how often its value is read, being the output counted too."""
        return sum(self.readers[node.name].values()) + (node.name == self.output)

    def reader(self, node: Node) -> Node | None:
        """Return the node that alone reads this value, once; None when there is no such node."""
        found = self.readers[node.name]
        if len(found) != 1 or node.name == self.output:
            return None
        ((name, times),) = found.items()
        return self.nodes[name] if times == 1 else None

    def block(self, name: str) -> str:
        """Return the path of the innermost block that holds a node."""
        while "." in name:
            name = name.rpartition(".")[0]
            if name in self.scopes:
                return name
        return ""

    def order(self) -> list[str]:
        """Return all nodes, each after what it reads, otherwise by their places. Raises BlockspaceError (E-RULE) for a cycle."""
        waiting = {name: len(set(node.inputs)) for name, node in self.nodes.items()}
        ready = [(self.place[name], name) for name, count in waiting.items() if not count]
        heapify(ready)
        found: list[str] = []
        while ready:
            name = heappop(ready)[1]
            found.append(name)
            for reader in self.readers[name]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    heappush(ready, (self.place[reader], reader))
        if len(found) < len(self.nodes):
            raise error("E-RULE", f"{self.name}: values that depend on each other: {', '.join(sorted(set(self.nodes) - set(found))[:3])}")
        return found

    def graph(self) -> Graph:
        """Return the draft as a graph: order found, blocks that lost their value or all their nodes forgotten."""
        made = Graph(self.nodes["input"].shape, self.name)
        for name in self.order():
            if name != "input":
                made.nodes[name] = self.nodes[name]
        made.output = self.output
        for scope in self.scopes.values():
            source = self.standing(scope.input)
            if source in made.nodes and self.around.get(scope.path):
                made.scope(scope.path, scope.block, source)
        return made

    def standing(self, name: str) -> str:
        """Return the value that has taken the place of a value."""
        while name in self.stands_for and name not in self.nodes:
            name = self.stands_for[name]
        return name

    def snapshot(self) -> MutableGraph:
        """Return a copy to look at, which stays as it is."""
        seen = copy(self)
        seen.nodes, seen.readers = dict(self.nodes), {name: dict(readers) for name, readers in self.readers.items()}
        return seen

    # -- names -----------------------------------------------------------------------------------------------------------------------

    def free(self, path: str, taken: Mapping[str, object] = {}) -> str:  # noqa: B006 (never written)
        """Return `path`, numbered when a node has that name, lies below it or holds it."""

        def good(name: str) -> bool:
            parts = name.split(".")
            over = any(".".join(parts[:i]) in self.nodes or ".".join(parts[:i]) in taken for i in range(1, len(parts)))
            return name not in self.nodes and name not in taken and name not in self.around and not over

        return path if good(path) else next(name for i in range(2, len(self.nodes) + 9) if good(name := f"{path}_{i}"))

    def common(self, names: Sequence[str], last: str) -> str:
        """Return the paths' common beginning and end, else `last` as the end: b1.conv1x1.conv, b2.conv1x1.conv -> conv1x1.conv."""
        rows = [name.split(".") for name in names]
        if len(rows) == 1:
            return names[0]
        shortest = min(map(len, rows))
        head = next((i for i in range(shortest - 1) if len({row[i] for row in rows}) > 1), shortest - 1)
        tail = next((i for i in range(shortest - head) if len({row[-1 - i] for row in rows}) > 1), shortest - head)
        return ".".join(rows[0][:head] + (rows[0][len(rows[0]) - tail :] if tail else [last]))

    # -- changing --------------------------------------------------------------------------------------------------------------------

    def add(self, node: Node, place: tuple[int, ...]) -> None:
        """Add a node, or put another op in place of the node of that name."""
        self.fresh.add(node.name)
        if node.name in self.nodes:
            self._disconnect(self.nodes[node.name])
        else:
            self.readers[node.name] = {}
            self.place[node.name] = place
            self._count(node.name, 1)
        self.nodes[node.name] = node
        self._connect(node)

    def redirect(self, old: str, new: str, but: Mapping[str, object] = {}) -> list[str]:  # noqa: B006 (never written)
        """Let everyone who reads `old`, but those named, read `new`; returns who that is."""
        moved = [name for name in self.readers[old] if name not in but]
        for name in moved:
            node = self.nodes[name]
            self._disconnect(node)
            node = self.nodes[name] = replace(node, inputs=tuple(new if source == old else source for source in node.inputs))
            self._connect(node)
        if self.output == old:
            self.output = new
        self.stands_for[old] = new
        return moved

    def drop(self, names: Iterable[str]) -> list[Node]:
        """Remove those of `names` that have no readers, and then what only they read; return the removed nodes."""
        gone: list[Node] = []
        stack = list(names)
        while stack:
            name = stack.pop()
            node = self.nodes.get(name)
            if node is None or self.readers[name] or name == self.output or node.kind == "input":
                continue
            self._disconnect(node)
            del self.nodes[name], self.readers[name]
            self._count(name, -1)
            gone.append(node)
            stack.extend(node.inputs)
        return gone

    def _connect(self, node: Node) -> None:
        for source in node.inputs:
            found = self.readers[source]
            found[node.name] = found.get(node.name, 0) + 1

    def _disconnect(self, node: Node) -> None:
        for source in set(node.inputs):
            del self.readers[source][node.name]

    def _count(self, name: str, by: int) -> None:
        while "." in name:
            name = name.rpartition(".")[0]
            self.around[name] = self.around.get(name, 0) + by
            if not self.around[name]:
                del self.around[name]


def has_op(node: Node, ops: type[O] | tuple[type[O], ...]) -> TypeGuard[Node[O]]:
    """Return whether a node's op is one of these."""
    return isinstance(node.op, ops)


def adapt_op(op: Op, *inputs: Shape) -> Op:
    """Return the same op for inputs of other shapes: the attributes that come from the input are filled in anew."""
    return replace(op, **op.infer_attributes(*inputs)) if op.from_input else op
