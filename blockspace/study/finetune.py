"""Fine-tuning: a network that starts from the weights of another of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blockspace.errors import error
from blockspace.graph import Graph


def start_from(module: Any, graph: Graph, path: Path) -> str | None:
    """Load a safetensors file of ours into `module`, the compiled `graph`; what was done about the last layer, if it differs.

    The last layer may have another number of outputs and keeps its fresh weights then. Raises BlockspaceError: E-FILE for a file that
    cannot be read, E-WEIGHTS for tensors that are missing, unknown or of another shape, naming them.
    """
    found, own = read(path), module.state_dict()
    head = last_layer(graph, own)
    differing = [name for name in own if name in found and found[name].shape != own[name].shape]
    faults = [f"missing {name}" for name in own if name not in found]
    faults += [f"unknown {name}" for name in found if name not in own]
    wrong = [name for name in differing if not only_outputs(name, head, own, found)]
    faults += [f"{name} is {shape(found[name])}, the network has {shape(own[name])}" for name in wrong]
    if faults:
        shown = "; ".join(faults[:4]) + (f"; and {len(faults) - 4} more" if len(faults) > 4 else "")
        help = "weights fit the network they are of; only the number of outputs of the last layer may differ"
        raise error("E-WEIGHTS", f"{path} does not fit {graph.name}: {shown}", help=help)
    module.load_state_dict({name: own[name] if name in differing else tensor for name, tensor in found.items()})
    if not differing:
        return None
    weight = f"{head}.weight"
    return f"weights: {head} has {len(own[weight])} outputs here and {len(found[weight])} in {path}, so it starts anew"


def read(path: Path) -> dict[str, Any]:
    """The tensors of a safetensors file. Raises BlockspaceError (E-FILE)."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as reason:
        raise error("E-FILE", f"cannot read weights from {path}: {reason}", help="a safetensors file is needed") from None


def last_layer(graph: Graph, state: dict[str, Any]) -> str:
    """The name of the last layer that has weights."""
    names = [node.name for node in graph if f"{node.name}.weight" in state]
    return names[-1] if names else ""


def only_outputs(name: str, head: str, own: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a tensor is the last layer's and differs in its first dimension, the outputs, alone."""
    return name in (f"{head}.weight", f"{head}.bias") and own[name].shape[1:] == found[name].shape[1:]


def shape(tensor: Any) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
