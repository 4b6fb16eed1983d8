"""A module's start: the weights of another of its kind, its last layer drawn anew where that has another number of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from blockspace.compiler.weights.read_checkpoint import COUNTER
from blockspace.errors import error
from blockspace.formatting import count_noun
from blockspace.graph import Graph


def load_state(module: nn.Module, graph: Graph, found: Mapping[str, Any], origin: str, anew: bool = True) -> str | None:
    """Load tensors by our names into `module`, the compiled `graph`; what was done about the last layer, if it differs.

    The last layer may have another number of outputs and keeps its fresh weights then, if `anew`. `origin` says in errors whose tensors
    they are. Raises BlockspaceError (E-WEIGHTS) for tensors that are missing, unknown or of another shape, naming them.
    """
    own = module.state_dict()
    head = last_layer_name(graph, own)
    differing = [name for name in own if name in found and found[name].shape != own[name].shape]
    faults = [f"missing {name}" for name in own if name not in found and not name.endswith(COUNTER)]
    faults += [f"unknown {name}" for name in found if name not in own]
    wrong = [name for name in differing if not differs_in_outputs(name, head, own, found)]
    faults += [f"{name} is {shape_text(found[name])}, the network has {shape_text(own[name])}" for name in wrong]
    if faults:
        shown = "; ".join(faults[:4]) + (f"; and {len(faults) - 4} more" if len(faults) > 4 else "")
        help = "weights fit the network they are of; only the number of outputs of the last layer may differ"
        raise error("E-WEIGHTS", f"{origin} does not fit {graph.name}: {shown}", help=help)
    weight = f"{head}.weight"
    if differing and not anew:
        here, there = len(own[weight]), len(found[weight])
        help = f"classes={there} takes its last layer too, classes={here} draws it anew"
        raise error("E-WEIGHTS", f"{origin} has {there} classes, {graph.name} has {here}", help=help)
    module.load_state_dict({name: own[name] if name in differing else found.get(name, own[name]) for name in own})
    if not differing:
        return None
    outputs = count_noun(len(own[weight]), "output")
    return f"weights: {head} has {outputs} here and {len(found[weight])} in {origin}, so it is re-initialised"


def last_layer_name(graph: Graph, state: Mapping[str, Any]) -> str:
    """Return the name of the last layer that has weights."""
    names = [node.name for node in graph if f"{node.name}.weight" in state]
    return names[-1] if names else ""


def differs_in_outputs(name: str, head: str, own: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether a tensor is the last layer's and differs in its first dimension, the outputs, alone."""
    return name in (f"{head}.weight", f"{head}.bias") and own[name].shape[1:] == found[name].shape[1:]


def shape_text(tensor: Any) -> str:
    """Return the shape of a tensor as text: 64x3x7x7."""
    return "x".join(map(str, tensor.shape)) or "a number"
