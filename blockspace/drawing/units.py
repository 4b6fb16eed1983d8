"""Turn a graph into what a drawing shows: rows of nodes, units (one shape each), the edges between them, and blocks as nested levels.

A step of the YAML (convolution, norm and activation together) is one unit, the parts of one split are one, and so is a block.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from blockspace.graph import Graph, Node
from blockspace.ops import Activation, Concat, Conv, Copy, Merge, Norm, Op, Part, Pool, Shape, format_shape

GLYPH = {"input": "●", "split": "◇", "transform": "○", "merge": "◆"}
SIGNS = {"add": "+", "mul": "×"}


@dataclass
class DrawingRow:
    """Consecutive nodes of one step of the YAML; only the first reads values from outside, only the last is read outside."""

    nodes: list[Node]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of the values that the row reads."""
        return self.nodes[0].inputs

    @property
    def output(self) -> Node:
        """Return the node whose value leaves the row."""
        return self.nodes[-1]

    @property
    def glyph(self) -> str:
        """Return the character that marks the row in a text drawing."""
        return GLYPH[self.nodes[0].kind]

    def text(self) -> str:
        """Return the operations of the row: `conv3x3 28, norm, relu`."""
        return ", ".join(n.op.label() for n in self.nodes)

    def name(self) -> str:
        """Return the dotted name of the step."""
        first = self.nodes[0].name
        return parent_path(first) if len(self.nodes) > 1 else first


def group_rows(graph: Graph) -> list[DrawingRow]:
    """Return the nodes of a graph as rows.

    A node joins the row of its only input when both are transforms of one step and nothing else reads that input.
    """
    readers = graph.readers()
    row_of: dict[str, DrawingRow] = {}
    for node in graph:
        before = row_of.get(node.inputs[0]) if len(node.inputs) == 1 else None
        if before is not None and _continues_row(before, node) and readers[node.inputs[0]] == [node.name]:
            before.nodes.append(node)
            row_of[node.name] = before
        else:
            row_of[node.name] = DrawingRow([node])
    return list({id(row): row for row in row_of.values()}.values())


def _continues_row(row: DrawingRow, node: Node) -> bool:
    """Return whether a node belongs to the same step as a row."""
    return parent_path(row.output.name) == parent_path(node.name) != "" and row.nodes[0].kind == node.kind == "transform"


def parent_path(name: str) -> str:
    """Return the dotted path that a name lies under, empty at the top."""
    return name.rpartition(".")[0]


@dataclass(eq=False)
class DrawingUnit:
    """One shape of a drawing.

    Attributes:
        name: dotted name of the step or block.
        kind: input, split, copy, transform, concat, join (any other merge), block or output; more (stands for branches that are not
            drawn); stage (a block as a plain box of a network's overview).
        nodes: the graph's nodes that the shape stands for, in execution order.
        label, note: the text inside the shape, and the smaller text below it.
        level: the inside of a block; None for any other unit.
        times: how many equal blocks in a row the unit stands for.
        mark: the letter that links a stage to the panel that shows its block.
    """

    name: str
    kind: str
    nodes: list[Node]
    label: str
    note: str = ""
    level: DrawingLevel | None = None
    times: int = 1
    mark: str = ""


@dataclass(eq=False)
class DrawingEdge:
    """One value between two units: `source` None enters the level, `target` None leaves it; `slot` orders the inputs of a target."""

    source: DrawingUnit | None
    target: DrawingUnit | None
    value: Node
    slot: int = 0


@dataclass
class DrawingLevel:
    """Units in execution order with the edges that touch them; `path` is the dotted path of the block, empty at the top."""

    path: str = ""
    units: list[DrawingUnit] = field(default_factory=list)
    edges: list[DrawingEdge] = field(default_factory=list)


def build_levels(graph: Graph) -> DrawingLevel:
    """Return the whole graph as one level, with a level inside each block that can be framed, and a unit for the output."""
    top = BlockNesting(graph).build_level(group_unit_nodes(graph))
    output = DrawingUnit("output", "output", [], f"output  {format_spaced_shape(graph.output_shape)}")
    for edge in top.edges:
        if edge.target is None:
            edge.target = output
    top.units.append(output)
    return top


class BlockNesting:
    """The blocks of a graph that can be drawn with a frame, and for each node those around it, outermost first."""

    def __init__(self, graph: Graph):
        self.graph, self.readers = graph, graph.readers()
        members: dict[str, list[Node]] = {path: [] for path in graph.scopes}
        for node in graph:
            for path in _enclosing_paths(node.name):
                if path in members:
                    members[path].append(node)
        framed = {path for path, nodes in members.items() if self._has_frame(graph.scopes[path].input, nodes)}
        self.blocks = {node.name: [path for path in _enclosing_paths(node.name) if path in framed] for node in graph}

    def _has_frame(self, source: str, nodes: list[Node]) -> bool:
        """Return whether one value enters, one leaves, and there is more than one step inside."""
        names = {node.name for node in nodes}
        read = {name for node in nodes for name in node.inputs} - names
        leaving = [n for n in names if n == self.graph.output or any(reader not in names for reader in self.readers[n])]
        return read == {source} and len(leaving) == 1 and len({parent_path(name) for name in names}) > 1

    def build_level(self, groups: list[list[Node]], path: str = "", depth: int = 0) -> DrawingLevel:
        """Return the units directly under `path`, which is `depth` blocks deep, and the edges between them."""
        level = DrawingLevel(path)
        children: dict[str, list[list[Node]]] = {}
        for nodes in groups:
            blocks = self.blocks[nodes[0].name]
            if len(blocks) == depth:
                level.units.append(make_step_unit(nodes))
                continue
            child = blocks[depth]
            if child not in children:
                children[child] = []
                level.units.append(DrawingUnit(child, "block", [], self.graph.scopes[child].block))
            children[child].append(nodes)
        for unit in level.units:
            if unit.kind == "block":
                unit.nodes = [node for nodes in children[unit.name] for node in nodes]
                unit.level = self.build_level(children[unit.name], unit.name, depth + 1)
        count = Counter(unit.name for unit in level.units)
        for unit in level.units:
            if count[unit.name] > 1:  # several operations of one step
                unit.name = unit.nodes[0].name
        level.edges = self._find_edges(level)
        return level

    def _find_edges(self, level: DrawingLevel) -> list[DrawingEdge]:
        """Return the values between units of a level, those that enter it, and the one that leaves it."""
        edges: list[DrawingEdge] = []
        unit_of = {node.name: unit for unit in level.units for node in unit.nodes}
        leaving: Node | None = None
        for unit in level.units:
            entered = set()
            for node in unit.nodes:
                for slot, name in enumerate(node.inputs):
                    once = unit.kind in ("block", "split")  # one edge, however many of its nodes read the value
                    if unit_of.get(name) is not unit and not (once and name in entered):
                        entered.add(name)
                        edges.append(DrawingEdge(unit_of.get(name), unit, self.graph[name], slot))
                if node.name == self.graph.output or any(reader not in unit_of for reader in self.readers[node.name]):
                    leaving = node
        if leaving is not None:
            edges.append(DrawingEdge(unit_of[leaving.name], None, leaving))
        return edges


def _enclosing_paths(name: str) -> list[str]:
    """Return the dotted paths that a name lies under, outermost first."""
    return [name[:i] for i, char in enumerate(name) if char == "."]


def group_unit_nodes(graph: Graph) -> list[list[Node]]:
    """Return the nodes of each unit that is not a block: rows with one operation each, the parts of one split together."""
    groups: list[list[Node]] = []
    splits: dict[str, list[Node]] = {}
    for row in group_rows(graph):
        node = row.nodes[0]
        if isinstance(node.op, Part):
            group = splits.get(node.inputs[0])
            if group is not None and _continues_split(group[-1], node) and parent_path(group[0].name) == parent_path(node.name):
                group.append(node)
                continue
            splits[node.inputs[0]] = row.nodes
        groups += [row.nodes] if len(row.nodes) == 1 else _divide_row(row.nodes)
    return groups


def _continues_split(before: Node, node: Node) -> bool:
    """Return whether a part begins at the channel where the one before ends."""
    return isinstance(before.op, Part) and isinstance(node.op, Part) and before.op.stop == node.op.start


def _divide_row(nodes: list[Node]) -> list[list[Node]]:
    """Return the nodes of a row in groups of one operation each, with the norms and activations that go with it."""
    groups: list[list[Node]] = [[]]
    for node in nodes:
        if not _shares_box(node) and not all(map(_shares_box, groups[-1])):
            groups.append([])
        groups[-1].append(node)
    return groups


def _shares_box(node: Node) -> bool:
    """Return whether a node is drawn in the box of its neighbour."""
    return isinstance(node.op, (Norm, Activation)) or node.op.name in ("flatten", "dropout")


def make_step_unit(nodes: list[Node]) -> DrawingUnit:
    """Return the unit of a step that is not a block."""
    node = nodes[0]
    name = node.name
    if node.kind == "input":
        return DrawingUnit(name, "input", nodes, f"input  {format_spaced_shape(node.shape)}")
    if isinstance(node.op, Part):
        return DrawingUnit(name, "split", nodes, label_split(nodes))
    if isinstance(node.op, Copy):
        return DrawingUnit(name, "copy", nodes, "")
    if isinstance(node.op, Concat):
        return DrawingUnit(name, "concat", nodes, "concat")
    if isinstance(node.op, Merge):
        return DrawingUnit(name, "join", nodes, SIGNS.get(node.op.name, node.op.name))
    if len(nodes) > 1:
        name = parent_path(name)
    main = max(nodes, key=lambda n: n.op.macs(n.shape))  # the first, where nothing multiplies
    label, details = label_op(main.op)
    i = nodes.index(main)
    before, after = ([n.op.label() for n in part] for part in (nodes[:i], nodes[i + 1 :]))
    after += [f"after {', '.join(before)}"] if before else []
    return DrawingUnit(name, "transform", nodes, label, ", ".join(details + after))


def label_op(op: Op) -> tuple[str, list[str]]:
    """Return the label of an operation and its further attributes: `conv3x3 128` and `stride 2`, `32 groups`."""
    if not isinstance(op, (Conv, Pool)):
        return op.label().replace("->", " → "), []
    pairs = [(word, getattr(op, word, (1, 1))) for word in ("stride", "dilation")]
    details = [f"{word} {pair[0] if pair[0] == pair[1] else format_shape(pair)}" for word, pair in pairs if pair != (1, 1)]
    if isinstance(op, Pool):
        return op.word(), details
    if op.groups > 1 and not op.depthwise:
        details.append(f"{op.groups} groups")
    channels = f"{op.in_channels} → {op.out_channels}" if op.in_channels != op.out_channels else f"{op.out_channels}"
    return f"{op.word()} {channels}", details


def format_spaced_shape(shape: Shape) -> str:
    """Return a shape as `256 × 56 × 56`."""
    return format_shape(shape).replace("x", " × ")


def label_split(nodes: list[Node]) -> str:
    """Return the label of a split by the channels of its parts: `split 5 × 28`, or `split 26 + 24` where they differ."""
    sizes = [node.shape[0] for node in nodes]
    if len(set(sizes)) == 1:
        return f"split {len(sizes)} × {sizes[0]}" if len(sizes) > 1 else f"take {sizes[0]}"
    if len(sizes) > 4:
        return f"split into {len(sizes)}"
    return "split " + " + ".join(map(str, sizes))
