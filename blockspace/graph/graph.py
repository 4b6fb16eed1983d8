"""Define the graph: ops and their connections, each node with one output whose shape is inferred when it is added.

Nodes are kept in the order they were added, which is an order of execution: a node's inputs exist before it does, so there is no cycle to
look for. `graph.nx` is the same graph as a `networkx.MultiDiGraph` (edge key = argument slot) for algorithms and drawing; it is built when
asked for, because cost, hash and code need only the list, and importing networkx costs more than all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from blockspace.errors import BlockspaceError, Mark, error
from blockspace.extensions import load_extension
from blockspace.formatting import count_noun
from blockspace.inputs import read_input_shape
from blockspace.ops import Call, Input, Merge, Op, Shape, format_shape, op_from_dict

if TYPE_CHECKING:
    import networkx
    from typing_extensions import TypeVar  # Python 3.13's, with a default: a plain `Node` holds any op

    O = TypeVar("O", bound=Op, default=Op, covariant=True)
else:
    from typing import TypeVar

    O = TypeVar("O", covariant=True)

MAX_NODES = 20_000
FORMAT = "blockspace/graph/1"
_IDENTIFIERS: set[str] = set()  # parts seen before: networks repeat the same few


@dataclass(frozen=True)
class Node(Generic[O]):
    """One op at one place: dotted name (module path and state_dict prefix), input names by slot, output shape, where it was written.

    A `Node[Conv]` is one whose op is a convolution.
    """

    name: str
    op: O
    inputs: tuple[str, ...]
    shape: Shape
    mark: Mark | None = None

    @property
    def kind(self) -> str:
        """Return input, split, transform or merge."""
        return self.op.kind

    @property
    def call(self) -> Call | None:
        """Return the torch call for this node's number of inputs; None when the value passes through."""
        return self.op.call(len(self.inputs)) if isinstance(self.op, Merge) else self.op.call()


@dataclass(frozen=True)
class Scope:
    """A block inside the graph: the nodes under `path.` are one use of `block`, which reads the one value `input`."""

    path: str
    block: str
    input: str


def check_node_name(path: str) -> str:
    """Return a node's dotted path. Raises BlockspaceError (E-NAME) unless each part is an identifier."""
    for part in path.split("."):
        if part not in _IDENTIFIERS:
            if not part.isidentifier():
                raise error("E-NAME", f"{path!r}: {part!r} is not a name", help="letters, digits and _, not starting with a digit")
            _IDENTIFIERS.add(part)
    return path


class Graph:
    """A split-transform-merge graph with one input and one output."""

    def __init__(self, input_shape: Shape, name: str = "graph"):
        self.name = name
        self.nodes: dict[str, Node] = {}
        self.scopes: dict[str, Scope] = {}
        self._nx: networkx.MultiDiGraph | None = None
        self.written: Graph | None = None  # the graph this one was rewritten from
        self.form = "written"  # or the pipeline it came out of
        self._derived: tuple[tuple[object, ...], dict[str, Any]] = ((), {})
        self.output = self.add(Input(read_input_shape(input_shape, flat=True)), name="input").name

    # -- building --------------------------------------------------------------------------------------------------------------------

    def add(self, op: Op, *inputs: str, name: str, mark: Mark | None = None, names: tuple[str, ...] = ()) -> Node:
        """Add `op` on the named inputs, make it the output and return its node; its shape is inferred here.

        `names` are what an error says of each input of a merge, as `b1 = {} (line 13)`. Raises BlockspaceError: E-SHAPE, E-SPLIT, E-GROUPS
        from the op's own rule, E-REF for an input that does not exist, E-NAME for a name taken twice, E-TOO-BIG past 20,000 nodes.
        """
        if name in self.nodes:
            raise error("E-NAME", f"two nodes are called {name!r}", mark)
        for source in inputs:
            if source not in self.nodes:
                raise error("E-REF", f"{name}: no node {source!r}", mark)
        if op.arity is not None and len(inputs) != op.arity:
            raise error("E-SHAPE", f"{op.name} takes {count_noun(op.arity, 'input')}, got {len(inputs)}", mark)
        if op.arity is None and not inputs:
            raise error("E-SHAPE", f"{op.name} merges at least one input, got none", mark)
        if len(self.nodes) >= MAX_NODES:
            raise error("E-TOO-BIG", f"more than {MAX_NODES:,} nodes", mark, "fewer repeats")
        shapes = [self.nodes[source].shape for source in inputs]
        try:
            shape = op.shape(*shapes, names=names) if isinstance(op, Merge) else op.shape(*shapes)
        except BlockspaceError as e:
            raise e.at(mark) from None
        node = Node(check_node_name(name), op, tuple(inputs), shape, mark)
        self.nodes[name] = node
        self.output = name
        self._nx = None
        self.form = "written"
        return node

    def scope(self, path: str, block: str, input: str) -> None:
        """Record that the nodes under `path.` are one use of `block`, which reads the value `input`."""
        self.scopes[path] = Scope(path, block, input)
        self._nx = None

    # -- reading ---------------------------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    @property
    def input(self) -> Node:
        """Return the input node."""
        return self.nodes["input"]

    @property
    def input_shape(self) -> Shape:
        """Return the shape of the input, `(C, H, W)`."""
        return self.input.shape

    @property
    def output_shape(self) -> Shape:
        """Return the shape of the output, `(C, H, W)` or `(C,)`."""
        return self.nodes[self.output].shape

    def shapes(self, node: Node) -> list[Shape]:
        """Return the shapes of a node's inputs, by slot."""
        return [self.nodes[name].shape for name in node.inputs]

    def readers(self) -> dict[str, list[str]]:
        """Return for each node the names of the nodes that read it, once per slot."""
        readers: dict[str, list[str]] = {name: [] for name in self.nodes}
        for node in self:
            for source in node.inputs:
                readers[source].append(node.name)
        return readers

    @property
    def nx(self) -> networkx.MultiDiGraph:
        """Return the graph as a frozen `networkx.MultiDiGraph`: node attributes `op`, `kind`, `shape`; edge key = argument slot.

        `networkx.MultiDiGraph(graph.nx)` is a copy to edit, and `from_nx` reads it.
        """
        if self._nx is None:
            self._nx = load_extension("graph_nx")(self)
        return self._nx

    def verify(self) -> Graph:
        """Check what must always hold and return self: order, shapes as the ops infer them, every node on a path from input to output.

        Raises BlockspaceError: E-REF, E-SHAPE, E-DANGLING.
        """
        seen: set[str] = set()
        for node in self:
            missing = [source for source in node.inputs if source not in seen]
            if missing:
                raise error("E-REF", f"{node.name} reads {missing[0]!r} before it exists", node.mark)
            if node.op.shape(*self.shapes(node)) != node.shape:
                recorded, inferred = format_shape(node.shape), format_shape(node.op.shape(*self.shapes(node)))
                what = f"{node.name}: recorded shape {recorded}, but {type(node.op).__name__} infers {inferred}"
                raise error("E-SHAPE", what, node.mark)
            seen.add(node.name)
        if self.output not in self.nodes:
            raise error("E-REF", f"the output {self.output!r} does not exist")
        live = self.live()
        unused = [node for node in self if node.name not in live and node.kind != "input"]
        if unused:
            first = unused[0]
            raise error("E-DANGLING", f"{first.name} never reaches the output", first.mark, "use its value, or remove the step")
        return self

    def live(self, *wanted: str) -> set[str]:
        """Return the names of all nodes that the wanted ones, by default the output, depend on; themselves included."""
        live: set[str] = set()
        stack = list(wanted or (self.output,))
        while stack:
            name = stack.pop()
            if name not in live:
                live.add(name)
                stack.extend(self.nodes[name].inputs)
        return live

    def without(self, dropped: set[str]) -> Graph:
        """Return a copy in which each one-input node of `dropped` is replaced by its input."""
        stands_for: dict[str, str] = {}
        copy = Graph(self.input_shape, self.name)
        for node in self:
            inputs = tuple(stands_for.get(source, source) for source in node.inputs)
            if node.name in dropped:
                stands_for[node.name] = inputs[0]
            elif node.kind != "input":
                copy.add(node.op, *inputs, name=node.name, mark=node.mark)
        copy.output = stands_for.get(self.output, self.output)
        for scope in self.scopes.values():
            copy.scope(scope.path, scope.block, stands_for.get(scope.input, scope.input))
        return copy

    def derived(self) -> dict[str, Any]:
        """Return a dict in which to keep what follows from the graph, such as its key; it is empty again once the graph has changed."""
        state = (self.name, self.form, self.output, tuple(self.nodes.values()), tuple(self.scopes.values()))
        if self._derived[0] != state:
            self._derived = (state, {})
        return self._derived[1]

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_nx": None, "_derived": ((), {})}

    # -- outside forms ---------------------------------------------------------------------------------------------------------------

    def key(self) -> str:
        """Return the canonical hash: equal for graphs that the canonical rules make one, whatever their names and order of branches."""
        return str(load_extension("graph_key")(self))

    def structure(self) -> tuple[str, list[str]]:
        """Return the graph as text without names, and its nodes by their number in it.

        In graphs of equal text, nodes of one number correspond.
        """
        from blockspace.graph.key import serialize_structure

        return serialize_structure(self)

    # -- drawings --------------------------------------------------------------------------------------------------------------------

    def svg(self, **options: Any) -> str:
        """Return the drawing as SVG; the options are those of `blockspace.drawing.draw_svg`: heat, fold, stages, theme, head, styled."""
        return str(load_extension("graph_svg")(self, **options))

    def png(self, **options: Any) -> bytes:
        """Return the drawing as PNG; the options are those of `svg`, and `scale`, in pixels per unit of the SVG."""
        return bytes(load_extension("graph_png")(self, **options))

    def mermaid(self) -> str:
        """Return the text of a Mermaid flowchart."""
        return str(load_extension("graph_mermaid")(self))

    def dot(self) -> str:
        """Return the text of a graphviz graph."""
        return str(load_extension("graph_dot")(self))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return str(load_extension("graph_html")(self))

    # -- files -----------------------------------------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; `from_dict` restores it, shapes inferred anew."""
        return {
            "format": FORMAT,
            "name": self.name,
            "input": list(self.input_shape),
            "output": self.output,
            "nodes": [{"name": n.name, "inputs": list(n.inputs), **n.op.as_dict()} for n in self if n.kind != "input"],
            "scopes": [[s.path, s.block, s.input] for s in self.scopes.values()],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Graph:
        """Return the graph that `as_dict` described. Raises BlockspaceError: E-FILE for another format, and what `verify` raises."""
        if data.get("format") != FORMAT:
            raise error("E-FILE", f"not a saved graph of format {FORMAT!r}: {data.get('format')!r}")
        graph = cls(tuple(data["input"]), data["name"])
        for row in data["nodes"]:
            attributes = {key: value for key, value in row.items() if key not in ("name", "inputs")}
            graph.add(op_from_dict(attributes), *row["inputs"], name=row["name"])
        graph.output = data["output"]
        for path, block, source in data["scopes"]:
            graph.scope(path, block, source)
        return graph.verify()

    def __repr__(self) -> str:
        shapes = f"{format_shape(self.input_shape)} -> {format_shape(self.output_shape)}"
        return f"<Graph {self.name}: {count_noun(len(self), 'node')}, {shapes}>"
