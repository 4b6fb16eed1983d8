"""Graphs as networkx holds them: `graph.nx` and `from_nx`, and networkx's node-link JSON.

A block is a `networkx.MultiDiGraph`. A node's name is a dotted path (module path and state_dict prefix); its attribute `op` is an op
(`Conv(3, 8, (3, 3))`), its data as `Op.as_dict` gives it, or its name with the op's attributes beside it (`op="conv", out_channels=8,
kernel=3`). Channel counts of the input are filled in. An edge's key is the argument slot it feeds, from 0. `graph["name"]` names the graph,
`graph["scopes"]` lists its blocks as `(path, block, input)`; the output is the one node that no other reads.

networkx itself is imported when one of these functions is called.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import MISSING, fields
from operator import index
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from blockspace.errors import BlockspaceError, Mistake, did_you_mean, error
from blockspace.graph.graph import MAX_NODES, Graph, check_node_name
from blockspace.inputs import expand_path, is_integer, is_path, show_value
from blockspace.ops import OPS, Op, Shape

if TYPE_CHECKING:
    import networkx

GraphLike: TypeAlias = "Graph | networkx.MultiDiGraph | str | PathLike[str]"  # a path is a node-link file's
MAX_BYTES = 20_000_000  # of a node-link file
_NODE_WORDS = ("op", "kind", "shape")  # node attributes that are not the op's


# -- to networkx ---------------------------------------------------------------------------------------------------------------------------


def to_nx(graph: Graph) -> networkx.MultiDiGraph:
    """Return the graph as a frozen `networkx.MultiDiGraph`: node attributes `op`, `kind`, `shape`; edge key = argument slot."""
    import networkx

    scopes = [(scope.path, scope.block, scope.input) for scope in graph.scopes.values()]
    dag = networkx.MultiDiGraph(name=graph.name, scopes=scopes)
    for node in graph:
        dag.add_node(node.name, op=node.op, kind=node.kind, shape=node.shape)
        dag.add_edges_from((source, node.name, slot) for slot, source in enumerate(node.inputs))
    return networkx.freeze(dag)


def to_node_link(graph: Graph) -> dict[str, Any]:
    """Return the graph in networkx's node-link form, in plain data that `json.dumps` takes; `networkx.node_link_graph` reads it too."""
    nodes = [{"id": node.name, "kind": node.kind, "shape": list(node.shape), **_listed(node.op.as_dict())} for node in graph]
    edges = [{"source": source, "target": node.name, "key": slot} for node in graph for slot, source in enumerate(node.inputs)]
    attributes = {"name": graph.name, "scopes": [[scope.path, scope.block, scope.input] for scope in graph.scopes.values()]}
    return {"directed": True, "multigraph": True, "graph": attributes, "nodes": nodes, "edges": edges}


def _listed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


# -- from networkx -------------------------------------------------------------------------------------------------------------------------


def as_graph(value: GraphLike) -> Graph:
    """Return `value` itself when it is a Graph, else the graph of a `networkx.MultiDiGraph`, or of a JSON file in node-link form.

    Raises BlockspaceError: what `from_nx` and `load_node_link` raise, E-TYPE for anything else.
    """
    if isinstance(value, Graph):
        return value
    return load_node_link(value) if is_graph_file(value) else from_nx(value)


def is_graph_file(value: object) -> TypeGuard[str | PathLike[str]]:
    """Return whether a value is the path of a JSON file, which holds one graph in networkx's node-link form."""
    return is_path(value) and str(value).lower().endswith(".json")


def is_nx(value: object) -> TypeGuard[networkx.Graph]:
    """Return whether a value is one of networkx's graphs. Does not import networkx."""
    networkx = sys.modules.get("networkx")
    return networkx is not None and isinstance(value, networkx.Graph)


def from_nx(dag: networkx.MultiDiGraph) -> Graph:
    """Return the graph that a `networkx.MultiDiGraph` describes; `graph.nx` gives it back, names and order included.

    The dag is read, not kept. Shapes are inferred anew, so an edited copy of `graph.nx` may hold stale ones. The nodes' order is that in
    which they were added, as far as each comes after what it reads.

    Raises BlockspaceError with every mistake, each naming its node or edge: E-TYPE for another class, a wrong attribute or a slot that is
    not a number; E-OP and E-KEY for unknown ops and attributes; E-NAME; E-REF for a cycle, a slot missing or fed twice; E-DANGLING for
    several outputs; E-SHAPE, E-SPLIT and E-GROUPS from the ops; E-TOO-BIG past 20,000 nodes.
    """
    _check_class(dag)
    inputs = [name for name, attributes in dag.nodes(data=True) if _op_name(attributes) == "input"]
    faults = {name: _node_mistakes(name, attributes) for name, attributes in dag.nodes(data=True)}
    mistakes = [mistake for found in faults.values() for mistake in found] + _graph_mistakes(dag, inputs)
    if not inputs:
        raise BlockspaceError(*mistakes)  # what else is missing follows from that
    sources = {name: _sources_by_slot(dag, name, mistakes) for name in dag}
    order = _topological_order(dag, mistakes)
    output = _find_output(dag, mistakes)
    failed = {name for name in dag if faults[name] or sources[name] is None or (name in inputs and name != "input")}
    graph = _add_nodes(dag, order, {name: slots for name, slots in sources.items() if slots is not None}, failed, mistakes)
    if mistakes:
        raise BlockspaceError(*mistakes)
    graph.output = output
    for path, block, source in _scopes(dag):
        if source in graph.nodes and any(name.startswith(f"{path}.") for name in graph.nodes):
            graph.scope(path, block, source)
    return graph.verify()


def _check_class(dag: Any) -> None:
    """Raise BlockspaceError unless this is a MultiDiGraph of a size that can be read: E-TYPE, E-TOO-BIG."""
    if not is_nx(dag):
        help = f"bs.load({dag if isinstance(dag, str) else 'resnet50'!r}).graph() gives a graph"
        help = "call .graph((C, H, W)) on it" if callable(getattr(dag, "graph", None)) else help
        raise error("E-TYPE", f"expected a Graph or a networkx.MultiDiGraph, got {show_value(dag)}", help=help)
    if not dag.is_directed():
        help = "add edges from input to output to a networkx.MultiDiGraph()"
        raise error("E-TYPE", f"expected a directed networkx.MultiDiGraph, got {type(dag).__name__}", help=help)
    if not dag.is_multigraph():
        help = "networkx.MultiDiGraph(dag) converts it; the edges into a merge then need their argument slot as key"
        raise error("E-TYPE", f"expected a networkx.MultiDiGraph, got {type(dag).__name__}", help=help)
    if len(dag) > MAX_NODES:
        raise error("E-TOO-BIG", f"more than {MAX_NODES:,} nodes", help="fewer repeats")


def _node_mistakes(name: Hashable, attributes: Mapping[str, Any]) -> list[Mistake]:
    """Return what is wrong with a node's name, op and attributes, as far as it is seen without shapes."""
    if not isinstance(name, str):
        help = "name nodes by dotted paths of identifiers: networkx.relabel_nodes(dag, {...})"
        return [Mistake("E-NAME", f"node {name!r}: a name is a text, not {_article(type(name).__name__)}", None, help)]
    try:
        check_node_name(name)
    except BlockspaceError as reason:
        return [Mistake(m.code, f"node {m.message}", None, m.help) for m in reason.mistakes]
    return _op_mistakes(name, attributes)


def _graph_mistakes(dag: networkx.MultiDiGraph, inputs: list[Hashable]) -> list[Mistake]:
    """Return what is wrong with the input and with the graph's own attributes."""
    found: list[Mistake] = []
    if inputs != ["input"]:
        found.append(_input_mistake(inputs))
    scopes = dag.graph.get("scopes", [])
    if not isinstance(scopes, (list, tuple)) or not all(_is_scope(scope) for scope in scopes):
        found.append(Mistake("E-TYPE", "the graph's scopes should be (path, block, input) each, three texts"))
    return found


def _is_scope(scope: object) -> bool:
    return isinstance(scope, (list, tuple)) and len(scope) == 3 and all(isinstance(part, str) for part in scope)


def _scopes(dag: networkx.MultiDiGraph) -> list[tuple[str, str, str]]:
    return [(path, block, source) for path, block, source in dag.graph.get("scopes", [])]


def _input_mistake(inputs: list[Hashable]) -> Mistake:
    """Return the mistake of a dag that has no input node, several, or one by another name."""
    if not inputs:
        return Mistake("E-REF", "no node has op 'input'", None, "dag.add_node('input', op='input', size=(C, H, W))")
    if len(inputs) > 1:
        return Mistake("E-REF", f"several nodes have op 'input': {', '.join(map(repr, inputs))}", None, "a graph has one input")
    help = f"networkx.relabel_nodes(dag, {{{inputs[0]!r}: 'input'}})"
    return Mistake("E-NAME", f"node {inputs[0]!r}: the input is called 'input'", None, help)


def _sources_by_slot(dag: networkx.MultiDiGraph, name: Hashable, mistakes: list[Mistake]) -> tuple[str, ...] | None:
    """Return what feeds a node, by slot; None, with a mistake for each edge that is wrong, when the slots are not 0, 1, 2, ..."""
    slots: dict[int, str] = {}
    before = len(mistakes)
    for source, _, key in dag.in_edges(name, keys=True):
        edge = f"edge {source!r} -> {name!r}"
        if not is_integer(key) or index(key) < 0:
            help = f"dag.add_edge({source!r}, {name!r}, key=0)"
            mistakes.append(Mistake("E-TYPE", f"{edge}: the key is the argument slot 0, 1, 2, ..., not {key!r}", None, help))
        elif index(key) in slots:
            help = f"dag.add_edge({source!r}, {name!r}, key={max(slots) + 1})"
            mistakes.append(Mistake("E-REF", f"{edge}: slot {key} is fed by {slots[index(key)]!r} already", None, help))
        else:
            slots[index(key)] = source
    missing = next((slot for slot in range(len(slots)) if slot not in slots), None)  # by their number: a key may be 10 ** 30
    if missing is not None and len(mistakes) == before:
        mistakes.append(Mistake("E-REF", f"node {name!r}: nothing feeds slot {missing}", None, "number the slots from 0 without a gap"))
    word = _op_name(dag.nodes[name])
    if not slots and word not in ("input", None) and len(mistakes) == before:
        mistakes.append(Mistake("E-REF", f"node {name!r} reads nothing", None, f"dag.add_edge(SOURCE, {name!r}, key=0)"))
    return tuple(slots[slot] for slot in sorted(slots)) if len(mistakes) == before else None


def _topological_order(dag: networkx.MultiDiGraph, mistakes: list[Mistake]) -> list[str]:
    """Return the nodes each after what it reads, otherwise in the order they were added; those before a cycle when there is one."""
    import networkx

    place = {name: number for number, name in enumerate(dag)}
    order: list[str] = []
    try:
        order.extend(networkx.lexicographical_topological_sort(dag, key=place.__getitem__))
    except networkx.NetworkXUnfeasible:
        cycle = [source for source, *_ in networkx.find_cycle(dag)]
        path = " -> ".join(map(str, [*cycle, cycle[0]]))
        mistakes.append(Mistake("E-REF", f"a cycle: {path}", None, "remove one of its edges"))
    return order


def _find_output(dag: networkx.MultiDiGraph, mistakes: list[Mistake]) -> str:
    """Return the one node that no other reads."""
    sinks = [str(name) for name in dag if name != "input" and not dag.out_degree(name)]
    if len(sinks) > 1:
        found = ", ".join(map(repr, sinks[:4])) + (", ..." if len(sinks) > 4 else "")
        mistakes.append(Mistake("E-DANGLING", f"several nodes are read by no other: {found}", None, "merge them, or remove all but one"))
    return sinks[0] if sinks else "input"


def _add_nodes(
    dag: networkx.MultiDiGraph, order: list[str], sources: Mapping[str, tuple[str, ...]], failed: set[Hashable], mistakes: list[Mistake]
) -> Graph:
    """Return the graph of all nodes that can be added. A mistake is added for each that cannot, unless it only reads one that failed."""
    shape = _read_op(dag.nodes["input"], []).shape() if "input" in dag and "input" not in failed else (1, 1, 1)
    graph = Graph(shape, str(dag.graph.get("name") or "graph"))
    for name in order:
        if name == "input" or name in failed:
            continue
        inputs = sources[name]
        if not failed.isdisjoint(inputs):
            failed.add(name)
            continue
        try:
            graph.add(_read_op(dag.nodes[name], [graph[source].shape for source in inputs]), *inputs, name=name)
        except BlockspaceError as reason:
            failed.add(name)
            mistakes += [Mistake(m.code, f"node {name!r}: {m.message}", None, m.help) for m in reason.mistakes]
    return graph


# -- ops as node attributes ----------------------------------------------------------------------------------------------------------------


def _op_name(attributes: Mapping[str, Any]) -> object:
    """Return the name of a node's op; None when it has none."""
    op = attributes.get("op")
    return op.name if isinstance(op, Op) else op.get("op") if isinstance(op, Mapping) else op


def _op_values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an op that is given by its name, or as `Op.as_dict` describes it."""
    op = attributes["op"]
    values = {key: _plain_value(value) for key, value in (op if isinstance(op, Mapping) else attributes).items() if key not in _NODE_WORDS}
    if _op_name(attributes) == "input" and "size" not in values and "shape" in attributes:
        values["size"] = _plain_value(attributes["shape"])
    return values


def _plain_value(value: Any) -> Any:
    """Return a value of an attribute with Python's own numbers where it has numpy's."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain_value, value)) if type(value) in (list, tuple) else value
    if is_integer(value):
        return index(value)
    return value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0 else value


def _op_mistakes(name: str, attributes: Mapping[str, Any]) -> list[Mistake]:
    """Return what is wrong with a node's op, as far as it is seen without the shapes of its inputs."""
    word, place = _op_name(attributes), f"node {name!r}"
    if word is None:
        return [Mistake("E-KEY", f"{place} has no op", None, f"dag.add_node({name!r}, op=...); an edge to a misspelt name adds a node")]
    cls = OPS.get(word) if isinstance(word, str) else None
    if cls is None:
        return [Mistake("E-OP", f"{place}: unknown op {word!r}", None, did_you_mean(str(word), OPS) or f"known: {', '.join(sorted(OPS))}")]
    found: list[Mistake] = []
    if attributes.get("kind", cls.kind) != cls.kind:
        found.append(Mistake("E-TYPE", f"{place}: kind is {attributes['kind']!r}, but {word} is {_article(cls.kind)}"))
    if isinstance(attributes["op"], Op):
        return found
    values = _op_values(attributes)
    known = {field.name: field for field in fields(cls)}
    for key, value in values.items():
        if key not in known:
            help = did_you_mean(str(key), known) or f"known: {', '.join(known) or 'none'}"
            found.append(Mistake("E-KEY", f"{place}: {word} has no attribute {key!r}", None, help))
        elif problem := _value_problem(str(known[key].type), key, value):
            found.append(Mistake("E-TYPE", f"{place}: {key} should be {problem}, got {value!r}"))
    for key, field in known.items():
        if key not in values and field.default is MISSING and key not in _given_by_input(cls):
            found.append(Mistake("E-KEY", f"{place}: {word} needs the attribute {key!r}"))
    return found


def _value_problem(type_name: str, key: str, value: object) -> str | None:
    """Return what a value of this type should be when this one is not."""
    least = 0 if key in ("padding", "start") else 1

    def is_count(one: object, least: int = least) -> bool:
        return isinstance(one, int) and not isinstance(one, bool) and one >= least

    def is_number(one: object) -> bool:
        return isinstance(one, (int, float)) and not isinstance(one, bool)

    several = isinstance(value, (list, tuple)) and all(map(is_count, value))
    problems = {
        "int": (f"a whole number of at least {least}", is_count(value, 0 if key == "paths" else least)),
        "Pair": ("a whole number, or (height, width)", is_count(value) or (several and len(value) == 2)),  # type: ignore[arg-type]  # a sequence
        "Size": ("a whole number, or (height, width)", is_count(value) or (several and len(value) == 2)),  # type: ignore[arg-type]  # a sequence
        "Shape": ("(C, H, W) or (C,)", several and len(value) in (1, 3)),  # type: ignore[arg-type]  # a sequence
        "bool": ("true or false", isinstance(value, bool)),
        "float": ("a number", is_number(value)),
        "Factor": ("a number or 'learned'", is_number(value) or value == "learned"),
    }
    text, holds = problems.get(type_name, ("", True))
    return None if holds else text


def _given_by_input(cls: type[Op]) -> Iterable[str]:
    """Return the attributes that the input's shape gives: its channels."""
    return cls.from_input or (("in_channels",) if cls.name == "conv" else ())


def _read_op(attributes: Mapping[str, Any], shapes: list[Shape]) -> Op:
    """Return a node's op for inputs of these shapes. Raises BlockspaceError from the op's own checks."""
    op = attributes["op"]
    if isinstance(op, Op):
        return op
    cls = OPS[str(_op_name(attributes))]
    values = _op_values(attributes)
    types = {field.name: str(field.type) for field in fields(cls)}
    pairs = {key: (value, value) for key, value in values.items() if types[key] == "Pair" and isinstance(value, int)}
    tuples = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    filled = {key: shapes[0][0] for key in _given_by_input(cls)}
    return cls(**{**filled, **values, **pairs, **tuples})


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


# -- node-link files -----------------------------------------------------------------------------------------------------------------------


def from_node_link(data: object) -> Graph:
    """Return the graph that networkx's node-link form describes: `networkx.node_link_data(dag)`, or `to_node_link(graph)`.

    Raises BlockspaceError: E-FILE for data of another form, and what `from_nx` raises.
    """
    import networkx

    if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), list):
        raise error("E-FILE", "not a graph in networkx's node-link form: no list of nodes", help="json.dumps(networkx.node_link_data(dag))")
    edges = "edges" if "edges" in data else "links"  # networkx before 3.6 wrote links
    for what, rows, keys in (("node", data["nodes"], ("id",)), ("edge", data.get(edges, []), ("source", "target"))):
        for row in rows if isinstance(rows, list) else [rows]:
            if not isinstance(row, Mapping) or not all(isinstance(row.get(key), str) for key in keys):
                raise error("E-NAME", f"{what} {row!r}: {' and '.join(keys)} should be {'names' if len(keys) > 1 else 'a name'}")
            if isinstance(row.get("key"), (list, Mapping)):
                raise error("E-TYPE", f"edge {row['source']!r} -> {row['target']!r}: the key is the argument slot, not {row['key']!r}")
    if twice := [name for name, count in Counter(row["id"] for row in data["nodes"]).items() if count > 1]:
        raise BlockspaceError(*(Mistake("E-NAME", f"two nodes are called {name!r}") for name in twice))
    if not isinstance(data.get("graph", {}), Mapping):
        raise error("E-FILE", f"the graph's attributes should be a mapping, got {data['graph']!r}")
    return from_nx(networkx.node_link_graph(dict(data), edges=edges))


def load_node_link(path: str | PathLike[str]) -> Graph:
    """Return the graph of a JSON file in networkx's node-link form.

    Raises BlockspaceError: E-FILE when there is no such file or it is not JSON, E-TOO-BIG past 20 MB, and what `from_nx` raises, with the
    file's name before each message.
    """
    path = expand_path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise error("E-TOO-BIG", f"{path} is larger than {MAX_BYTES // 10**6} MB")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as reason:
        raise error("E-FILE", f"cannot read {path}: {reason.strerror}") from None
    except (ValueError, RecursionError) as reason:
        raise error("E-FILE", f"{path} is not JSON: {reason}", help="json.dumps(networkx.node_link_data(dag))") from None
    try:
        return from_node_link(data)
    except BlockspaceError as reason:
        raise reason.at(None, prefix=f"{path}: ") from None
