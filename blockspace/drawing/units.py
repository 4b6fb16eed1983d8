"""Units: what a picture shows as one shape each, and the values that run between them; blocks are units with a level of their own inside.

A step of the YAML is one unit (convolution, norm and activation together), the parts of one split are one, a block is one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from blockspace.drawing.rows import parent, rows
from blockspace.graph import Graph, Node
from blockspace.ops import Activation, Concat, Conv, Copy, Merge, Norm, Op, Part, Pool, show

SIGNS = {"add": "+", "mul": "×"}


@dataclass(eq=False)
class Unit:
    """One shape of a picture.

    `kind` is input, split, copy, transform, concat, join (any other merge), block, output; more (branches that are not drawn), or stage (a
    block drawn as a plain box).
    """

    name: str
    kind: str
    nodes: list[Node]
    label: str
    note: str = ""
    level: Level | None = None  # what is inside a block
    times: int = 1  # how many in a row this one stands for
    mark: str = ""  # the letter of a block that is drawn beside


End = Unit | None  # of an edge: None lies outside


@dataclass(eq=False)
class Edge:
    """One value on its way: `source` None enters the level, `target` None leaves it; `slot` orders the inputs of a target."""

    source: End
    target: End
    value: Node
    slot: int = 0


@dataclass
class Level:
    """Units in an order of execution, and the edges between them."""

    path: str = ""
    units: list[Unit] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def levels(graph: Graph) -> Level:
    """The whole graph as a level of units; blocks are levels inside."""
    top = Nesting(graph).level(steps(graph))
    output = Unit("output", "output", [], f"output  {spaced(graph.output_shape)}")
    for edge in top.edges:
        if edge.target is None:
            edge.target = output
    top.units.append(output)
    return top


class Nesting:
    """Which blocks of a graph can be drawn with a frame, and which of them each node lies in, the outermost first."""

    def __init__(self, graph: Graph):
        self.graph, self.readers = graph, graph.readers()
        inside: dict[str, list[Node]] = {path: [] for path in graph.scopes}
        for node in graph:
            for path in above(node.name):
                if path in inside:
                    inside[path].append(node)
        drawn = {path for path, nodes in inside.items() if self.framed(graph.scopes[path].input, nodes)}
        self.blocks = {node.name: [path for path in above(node.name) if path in drawn] for node in graph}

    def framed(self, source: str, nodes: list[Node]) -> bool:
        """Whether one value goes in and one comes out, and there is more than a step inside."""
        names = {node.name for node in nodes}
        read = {name for node in nodes for name in node.inputs} - names
        leaving = [n for n in names if n == self.graph.output or any(reader not in names for reader in self.readers[n])]
        return read == {source} and len(leaving) == 1 and len({parent(name) for name in names}) > 1

    def level(self, groups: list[list[Node]], path: str = "", depth: int = 0) -> Level:
        """The units directly under `path`, which is `depth` blocks deep, and the edges between them."""
        found = Level(path)
        children: dict[str, list[list[Node]]] = {}
        for nodes in groups:
            blocks = self.blocks[nodes[0].name]
            if len(blocks) == depth:
                found.units.append(plain(nodes))
            elif blocks[depth] in children:
                children[blocks[depth]].append(nodes)
            else:
                child = blocks[depth]
                children[child] = [nodes]
                found.units.append(Unit(child, "block", [], self.graph.scopes[child].block))
        for unit in found.units:
            if unit.kind == "block":
                inside = children[unit.name]
                unit.nodes = [node for nodes in inside for node in nodes]
                unit.level = self.level(inside, unit.name, depth + 1)
        many = Counter(unit.name for unit in found.units)
        for unit in found.units:
            if many[unit.name] > 1:  # several operations of one step
                unit.name = unit.nodes[0].name
        found.edges = self.edges(found)
        return found

    def edges(self, level: Level) -> list[Edge]:
        """The values between units of a level, those that enter it, and the one that leaves it."""
        found: list[Edge] = []
        of = {node.name: unit for unit in level.units for node in unit.nodes}
        leaving: Node | None = None
        for unit in level.units:
            entered = set()
            for node in unit.nodes:
                for slot, name in enumerate(node.inputs):
                    once = unit.kind in ("block", "split")  # they read one value, however often
                    if of.get(name) is not unit and not (once and name in entered):
                        entered.add(name)
                        found.append(Edge(of.get(name), unit, self.graph[name], slot))
                if node.name == self.graph.output or any(reader not in of for reader in self.readers[node.name]):
                    leaving = node
        if leaving is not None:
            found.append(Edge(of[leaving.name], None, leaving))
        return found


def above(name: str) -> list[str]:
    """The dotted paths a name lies under, the outermost first."""
    return [name[:i] for i, char in enumerate(name) if char == "."]


def steps(graph: Graph) -> list[list[Node]]:
    """The nodes of each unit that is not a block: rows, with the parts of one split together."""
    found: list[list[Node]] = []
    splits: dict[str, list[Node]] = {}
    for row in rows(graph):
        node = row.nodes[0]
        if isinstance(node.op, Part):
            group = splits.get(node.inputs[0])
            if group is not None and continues(group[-1], node) and parent(group[0].name) == parent(node.name):
                group.append(node)
                continue
            splits[node.inputs[0]] = row.nodes
        found += [row.nodes] if len(row.nodes) == 1 else parted(row.nodes)
    return found


def continues(before: Node, node: Node) -> bool:
    """Whether a part begins where the one before ends."""
    return isinstance(before.op, Part) and isinstance(node.op, Part) and before.op.stop == node.op.start


def parted(nodes: list[Node]) -> list[list[Node]]:
    """The nodes of a row in groups with one operation each, and the norms, activations and the like that go with it."""
    found: list[list[Node]] = [[]]
    for node in nodes:
        if not beside(node) and not all(map(beside, found[-1])):
            found.append([])
        found[-1].append(node)
    return found


def beside(node: Node) -> bool:
    """Whether a node is drawn in the box of its neighbour."""
    return isinstance(node.op, (Norm, Activation)) or node.op.name in ("flatten", "dropout")


def plain(nodes: list[Node]) -> Unit:
    """The unit of a step."""
    node = nodes[0]
    name = node.name
    if node.kind == "input":
        return Unit(name, "input", nodes, f"input  {spaced(node.shape)}")
    if isinstance(node.op, Part):
        return Unit(name, "split", nodes, split_label(nodes))
    if isinstance(node.op, Copy):
        return Unit(name, "copy", nodes, "")
    if isinstance(node.op, Merge):
        concat = isinstance(node.op, Concat)
        return Unit(name, "concat" if concat else "join", nodes, "concat" if concat else SIGNS.get(node.op.name, node.op.name))
    if not isinstance(node.op, Merge) and len(nodes) > 1:
        name = parent(name)
    main = max(nodes, key=lambda n: n.op.macs(n.shape))  # the first, where nothing multiplies
    label, details = words(main.op)
    i = nodes.index(main)
    before, after = ([n.op.label() for n in part] for part in (nodes[:i], nodes[i + 1 :]))
    after += [f"after {', '.join(before)}"] if before else []
    return Unit(name, "transform", nodes, label, ", ".join(details + after))


def words(op: Op) -> tuple[str, list[str]]:
    """What an operation is called in its box, and what else it is: `conv3x3 128` and `stride 2`, `32 groups`."""
    if not isinstance(op, (Conv, Pool)):
        return op.label().replace("->", " → "), []
    pairs = [(word, getattr(op, word, (1, 1))) for word in ("stride", "dilation")]
    details = [f"{word} {pair[0] if pair[0] == pair[1] else show(pair)}" for word, pair in pairs if pair != (1, 1)]
    if isinstance(op, Pool):
        return op.word(), details
    if op.groups > 1 and not op.depthwise:
        details.append(f"{op.groups} groups")
    channels = f"{op.in_channels} → {op.out_channels}" if op.in_channels != op.out_channels else f"{op.out_channels}"
    return f"{op.word()} {channels}", details


def spaced(shape) -> str:
    """256 × 56 × 56."""
    return show(shape).replace("x", " × ")


def split_label(nodes: list[Node]) -> str:
    """`split 5 × 28`, or `split 26 + 24` where the parts differ."""
    sizes = [node.shape[0] for node in nodes]
    if len(set(sizes)) == 1:
        return f"split {len(sizes)} × {sizes[0]}" if len(sizes) > 1 else f"take {sizes[0]}"
    if len(sizes) > 4:
        return f"split into {len(sizes)}"
    return "split " + " + ".join(map(str, sizes))
