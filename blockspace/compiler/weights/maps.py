"""Weight maps applied to tensors; and the weights of one form of a network for another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

import torch

from blockspace.compiler.weights.checkpoint import COUNTER
from blockspace.errors import error
from blockspace.graph import Graph
from blockspace.passes import Expr, WeightMap, rewriting_of, tensors, weights

State = Mapping[str, torch.Tensor]


def applied(found: WeightMap, state: State) -> dict[str, torch.Tensor]:
    """The tensors that a map makes of these, each with memory of its own. Raises BlockspaceError (E-WEIGHTS) for one that is missing."""
    with torch.no_grad():
        return {name: value(expr, state).clone() for name, expr in found.entries.items()}


def converted(state: State, source: Graph, target: Graph) -> dict[str, torch.Tensor]:
    """The tensors of `target` that compute with it what `state` computes with `source`, another form of the same network.

    Tensors on which the output does not depend may be missing. Raises BlockspaceError (E-WEIGHTS) when they are not forms of one network.
    """
    here, there = rewriting_of(source), rewriting_of(target)
    (text, ours), (other, theirs) = here.after.structure(), there.after.structure()
    if text != other:
        what = f"{source.name} and {target.name} are not forms of one network, as far as rewriting shows"
        raise error("E-WEIGHTS", what, help="`blockspace compare A B` shows where they differ")
    called = dict(zip(ours, theirs))
    counters = {name: torch.zeros(()) for name in tensors(source) if name.endswith(COUNTER)}
    middle = applied(here.weights, counters | dict(state))
    renamed = {f"{called[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": tensor for name, tensor in middle.items()}
    found = applied(there.weights.inverse(), renamed)
    sizes = tensors(target)
    wrong = next((name for name, tensor in found.items() if tuple(tensor.shape) != sizes[name]), None)
    if wrong:
        raise error("E-WEIGHTS", f"the weight map of {target.name} gives {wrong} the shape {tuple(found[wrong].shape)}, not {sizes[wrong]}")
    return found


@singledispatch
def value(expr: Expr, state: State) -> torch.Tensor:
    """An expression over the tensors of `state`."""
    raise error("E-WEIGHTS", f"no meaning for {type(expr).__name__} in a weight map")


@value.register
def _(expr: weights.Source, state: State) -> torch.Tensor:
    if expr.name not in state:
        raise error("E-WEIGHTS", f"the weights hold no {expr.name}")
    if tuple(state[expr.name].shape) != expr.size:
        raise error("E-WEIGHTS", f"{expr.name} has the shape {tuple(state[expr.name].shape)}, the network's is {expr.size}")
    return state[expr.name]


@value.register
def _(expr: weights.Concat, state: State) -> torch.Tensor:
    return torch.cat([value(part, state) for part in expr.parts], expr.dim)


@value.register
def _(expr: weights.Slice, state: State) -> torch.Tensor:
    return value(expr.of, state).narrow(expr.dim, expr.start, expr.stop - expr.start)


@value.register
def _(expr: weights.Permute, state: State) -> torch.Tensor:
    return value(expr.of, state).permute(expr.order)


@value.register
def _(expr: weights.Reshape, state: State) -> torch.Tensor:
    return value(expr.of, state).reshape(expr.size)


@value.register
def _(expr: weights.Pad, state: State) -> torch.Tensor:
    inner = value(expr.of, state)
    pads = [0, 0] * (inner.ndim - expr.dim - 1) + [expr.before, expr.after]
    return torch.nn.functional.pad(inner, pads)


@value.register
def _(expr: weights.Scale, state: State) -> torch.Tensor:
    inner = value(expr.of, state)
    if not isinstance(expr.by, Expr):
        return inner * expr.by
    return inner * value(expr.by, state).reshape(-1, *[1] * (inner.ndim - 1))


@value.register
def _(expr: weights.Gather, state: State) -> torch.Tensor:
    return value(expr.of, state)[(slice(None),) * expr.dim + (list(expr.order),)]


@value.register
def _(expr: weights.Sum, state: State) -> torch.Tensor:
    return value(expr.of, state).flatten(1).sum(1)


@value.register
def _(expr: weights.Full, state: State) -> torch.Tensor:
    return torch.full(expr.size, expr.number, dtype=common(state))


@value.register
def _(expr: weights.Dirac, state: State) -> torch.Tensor:
    return torch.nn.init.dirac_(torch.empty(expr.shape, dtype=common(state)), expr.groups)


def common(state: State) -> torch.dtype:
    """The type of the weights."""
    return next((tensor.dtype for tensor in state.values() if tensor.is_floating_point()), torch.get_default_dtype())


@value.register
def _(expr: weights.Add, state: State) -> torch.Tensor:
    return torch.stack([value(part, state) for part in expr.parts]).sum(0)


@value.register
def _(expr: weights.Rsqrt, state: State) -> torch.Tensor:
    return torch.rsqrt(value(expr.of, state) + expr.eps)


@value.register
def _(expr: weights.Same, state: State) -> torch.Tensor:
    return value(expr.parts[0], state)
