"""What to run, in order: the graph without values that only pass through, and where an activation may overwrite its input.

`compile`, `to_source` and the cost `peak_memory` read this plan, so that they cannot disagree about order or in-place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blockspace.errors import error
from blockspace.graph.graph import Graph, Node
from blockspace.graph.names import attribute
from blockspace.ops import Call


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the plan: the node's name, its call (with `inplace=True` where that is safe) and the values it reads."""

    name: str
    call: Call
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order of execution, and the names of the values that are wanted (`input` when nothing is done)."""

    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    @property
    def output(self) -> str:
        """The one value, or the last, that is wanted."""
        return self.outputs[-1]


def plan(graph: Graph, wanted: Sequence[str] = ()) -> Plan:
    """The plan of a graph. `wanted` are the nodes whose values are asked for, by default its output: steps behind them are left out.

    Raises BlockspaceError: what `Graph.verify` raises, and E-NAME for layer names torch cannot hold.
    """
    found = order(graph.verify(), wanted)
    check_names([step.name for step in found.steps if step.call.is_attribute])
    return found


def order(graph: Graph, wanted: Sequence[str] = ()) -> Plan:
    """The same without the checks."""
    stands_for: dict[str, str] = {}
    found: list[tuple[Node, Call, tuple[str, ...]]] = []
    needed = graph.live(*wanted) if wanted else graph.nodes.keys()
    for node in graph:
        if node.name not in needed:
            continue
        inputs = tuple(stands_for.get(source, source) for source in node.inputs)
        call = node.call
        if call is not None:
            found.append((node, call, inputs))
        elif node.kind != "input":
            stands_for[node.name] = inputs[0]
    outputs = tuple(stands_for.get(name, name) for name in wanted or (graph.output,))
    overwrite = overwritten(graph, found, outputs)
    steps = (Step(node.name, in_place(call) if node.name in overwrite else call, inputs) for node, call, inputs in found)
    return Plan(tuple(steps), outputs)


def in_place(call: Call) -> Call:
    return Call(call.target, *call.args, **call.kwargs, inplace=True)


def overwritten(graph: Graph, found: list, outputs: tuple[str, ...]) -> set[str]:
    """The nodes that may write over their input: its only reader, inside the same block or one around it, and the input is new memory."""
    uses = dict.fromkeys(outputs, 1)
    fresh = {node.name for node, _, _ in found if node.op.fresh}
    for _, _, inputs in found:
        for source in inputs:
            uses[source] = uses.get(source, 0) + 1
    paths = sorted(graph.scopes, key=len, reverse=True)

    def safe(node: Node, source: str) -> bool:
        return node.op.inplace and source in fresh and uses[source] == 1 and f"{source}.".startswith(home(node.name, paths))

    return {node.name for node, _, inputs in found if len(inputs) == 1 and safe(node, inputs[0])}


def home(name: str, paths: list[str]) -> str:
    """The prefix of the innermost block that holds the node; `paths` are the blocks' paths, longest first."""
    return next((f"{path}." for path in paths if name.startswith(f"{path}.")), "")


def check_names(layers: list[str]) -> None:
    """E-NAME for a layer whose name would hide an attribute of torch.nn.Module, or lie inside another layer."""
    known = set(layers)
    for name in layers:
        parts = name.split(".")
        for index, part in enumerate(parts):
            if attribute(part) != part:
                raise error("E-NAME", f"layer {name!r}: {part!r} is a word of Python or torch", help=f"call it {attribute(part)!r}")
            around = ".".join(parts[:index])
            if around in known:
                raise error("E-NAME", f"layer {name!r} would lie inside the layer {around!r}", help="rename one of them")
