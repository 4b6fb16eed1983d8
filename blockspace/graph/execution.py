"""Plan the execution of a graph: its calls in order, without values that only pass through, and in place where that is safe.

`compile`, `to_source` and the cost `peak_memory` read this plan, so that they cannot disagree about order or in-place.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import dataclass

from blockspace.errors import error
from blockspace.graph.graph import Graph, Node
from blockspace.ops import Call

# Attributes of torch.nn.Module and GraphModule that a submodule must not hide. A test compares this list with torch's own.
RESERVED_ATTRIBUTES = frozenset(
    """T_destination add_module apply bfloat16 buffers call_super_init children code compile cpu cuda delete_all_unused_submodules
    delete_submodule double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter get_submodule graph half
    input ipu load_state_dict meta modules mtia named_buffers named_children named_modules named_parameters parameters print_readable
    recompile register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty to_folder train training type xpu zero_grad add_submodule output""".split()
)


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the plan: the node's name, its call (with `inplace=True` where that is safe) and the values it reads."""

    name: str
    call: Call
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order of execution, and the names of the values that are wanted (`input` when there are no steps)."""

    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    @property
    def output(self) -> str:
        """Return the name of the wanted value, the last of several."""
        return self.outputs[-1]


NodeCall = tuple[Node, Call, tuple[str, ...]]  # a node, its call, and what it reads


def plan_execution(graph: Graph, wanted: Sequence[str] = ()) -> Plan:
    """Return the plan of a graph up to the nodes `wanted`, by default its output; steps they do not need are left out.

    Raises BlockspaceError: what `Graph.verify` raises, and E-NAME for layer names torch cannot hold.
    """
    plan = order_steps(graph.verify(), wanted)
    check_layer_names([step.name for step in plan.steps if step.call.is_attribute])
    return plan


def order_steps(graph: Graph, wanted: Sequence[str] = ()) -> Plan:
    """Return the plan of a graph that is known to be valid: `plan_execution` without its checks."""
    stands_for: dict[str, str] = {}
    calls: list[NodeCall] = []
    needed = graph.live(*wanted) if wanted else graph.nodes.keys()
    for node in graph:
        if node.name not in needed:
            continue
        inputs = tuple(stands_for.get(source, source) for source in node.inputs)
        call = node.call
        if call is not None:
            calls.append((node, call, inputs))
        elif node.kind != "input":
            stands_for[node.name] = inputs[0]
    outputs = tuple(stands_for.get(name, name) for name in wanted or (graph.output,))
    overwriting = find_overwriting_nodes(graph, calls, outputs)
    steps = (Step(node.name, make_in_place(call) if node.name in overwriting else call, inputs) for node, call, inputs in calls)
    return Plan(tuple(steps), outputs)


def make_in_place(call: Call) -> Call:
    """Return the same call with `inplace=True`."""
    return Call(call.target, *call.args, **call.kwargs, inplace=True)


def find_overwriting_nodes(graph: Graph, calls: list[NodeCall], outputs: tuple[str, ...]) -> set[str]:
    """Return the nodes that may overwrite their input: its only reader, in the same block or one around it, and the input is new memory."""
    uses = dict.fromkeys(outputs, 1)
    fresh = {node.name for node, _, _ in calls if node.op.fresh}
    for _, _, inputs in calls:
        for source in inputs:
            uses[source] = uses.get(source, 0) + 1
    paths = sorted(graph.scopes, key=len, reverse=True)

    def may_overwrite(node: Node, source: str) -> bool:
        return node.op.inplace and source in fresh and uses[source] == 1 and f"{source}.".startswith(find_block_prefix(node.name, paths))

    return {node.name for node, _, inputs in calls if len(inputs) == 1 and may_overwrite(node, inputs[0])}


def find_block_prefix(name: str, paths: list[str]) -> str:
    """Return the prefix of the innermost block that holds the node; `paths` are the blocks' paths, longest first."""
    return next((f"{path}." for path in paths if name.startswith(f"{path}.")), "")


def check_layer_names(layers: list[str]) -> None:
    """Raise BlockspaceError (E-NAME) for a layer whose name would hide an attribute of torch.nn.Module, or lie inside another layer."""
    known = set(layers)
    for name in layers:
        parts = name.split(".")
        for index, part in enumerate(parts):
            if to_attribute(part) != part:
                raise error("E-NAME", f"layer {name!r}: {part!r} is a word of Python or torch", help=f"call it {to_attribute(part)!r}")
            around = ".".join(parts[:index])
            if around in known:
                raise error("E-NAME", f"layer {name!r} would lie inside the layer {around!r}", help="rename one of them")


def to_attribute(name: str) -> str:
    """Return a name as an attribute of a module: a digit in front, a keyword or a name torch uses gets an underscore."""
    if name[:1].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) or name in RESERVED_ATTRIBUTES else name
