"""Weight maps applied to tensors; and the weights of one form of a network for another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import TypedDict

import torch

from blockspace.compiler.weights.read_checkpoint import COUNTER
from blockspace.errors import error
from blockspace.graph import Graph
from blockspace.passes import (
    AddExpr,
    ConcatExpr,
    DiracExpr,
    FullExpr,
    GatherExpr,
    PadExpr,
    PermuteExpr,
    ReshapeExpr,
    RsqrtExpr,
    SameExpr,
    ScaleExpr,
    SliceExpr,
    SourceExpr,
    SumExpr,
    WeightExpr,
    WeightMap,
    rewriting_of,
    tensor_shapes,
)

State = Mapping[str, torch.Tensor]


class TensorOptions(TypedDict):
    """Type and device of a new tensor."""

    dtype: torch.dtype
    device: torch.device


def apply_weight_map(found: WeightMap, state: State) -> dict[str, torch.Tensor]:
    """Return the tensors that a map makes of a state, each a copy. Raises BlockspaceError (E-WEIGHTS) for one that is missing."""
    with torch.no_grad():
        return {name: evaluate_expr(expr, state).clone() for name, expr in found.entries.items()}


def convert_weights(state: State, source: Graph, target: Graph) -> dict[str, torch.Tensor]:
    """Return the tensors of `target` that compute with it what `state` computes with `source`, another form of the same network.

    Tensors on which the output does not depend may be missing. Raises BlockspaceError (E-WEIGHTS) when they are not forms of one network.
    """
    here, there = rewriting_of(source), rewriting_of(target)
    (text, ours), (other, theirs) = here.after.structure(), there.after.structure()
    if text != other:
        what = f"{source.name} and {target.name} are not forms of one network, according to rewriting"
        raise error("E-WEIGHTS", what, help="`blockspace compare A B` shows where they differ")
    called = dict(zip(ours, theirs))
    counters = {name: torch.zeros(()) for name in tensor_shapes(source) if name.endswith(COUNTER)}
    middle = apply_weight_map(here.weights, counters | dict(state))
    renamed = {f"{called[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": tensor for name, tensor in middle.items()}
    found = apply_weight_map(there.weights.inverse(), renamed)
    sizes = tensor_shapes(target)
    wrong = next((name for name, tensor in found.items() if tuple(tensor.shape) != sizes[name]), None)
    if wrong:
        raise error("E-WEIGHTS", f"the weight map of {target.name} gives {wrong} the shape {tuple(found[wrong].shape)}, not {sizes[wrong]}")
    return found


@singledispatch
def evaluate_expr(expr: WeightExpr, state: State) -> torch.Tensor:
    """Return an expression over the tensors of `state`."""
    raise error("E-WEIGHTS", f"unknown expression {type(expr).__name__} in a weight map")


@evaluate_expr.register
def _evaluate_source(expr: SourceExpr, state: State) -> torch.Tensor:
    if expr.name not in state:
        raise error("E-WEIGHTS", f"the weights have no {expr.name}")
    if tuple(state[expr.name].shape) != expr.size:
        raise error("E-WEIGHTS", f"{expr.name} has the shape {tuple(state[expr.name].shape)}, the network's is {expr.size}")
    return state[expr.name]


@evaluate_expr.register
def _evaluate_concat(expr: ConcatExpr, state: State) -> torch.Tensor:
    return torch.cat([evaluate_expr(part, state) for part in expr.parts], expr.dim)


@evaluate_expr.register
def _evaluate_slice(expr: SliceExpr, state: State) -> torch.Tensor:
    return evaluate_expr(expr.of, state).narrow(expr.dim, expr.start, expr.stop - expr.start)


@evaluate_expr.register
def _evaluate_permute(expr: PermuteExpr, state: State) -> torch.Tensor:
    return evaluate_expr(expr.of, state).permute(expr.order)


@evaluate_expr.register
def _evaluate_reshape(expr: ReshapeExpr, state: State) -> torch.Tensor:
    return evaluate_expr(expr.of, state).reshape(expr.size)


@evaluate_expr.register
def _evaluate_pad(expr: PadExpr, state: State) -> torch.Tensor:
    inner = evaluate_expr(expr.of, state)
    pads = [0, 0] * (inner.ndim - expr.dim - 1) + [expr.before, expr.after]
    return torch.nn.functional.pad(inner, pads)


@evaluate_expr.register
def _evaluate_scale(expr: ScaleExpr, state: State) -> torch.Tensor:
    inner = evaluate_expr(expr.of, state)
    if not isinstance(expr.by, WeightExpr):
        return inner * expr.by
    return inner * evaluate_expr(expr.by, state).reshape(-1, *[1] * (inner.ndim - 1))


@evaluate_expr.register
def _evaluate_gather(expr: GatherExpr, state: State) -> torch.Tensor:
    return evaluate_expr(expr.of, state)[(slice(None),) * expr.dim + (list(expr.order),)]


@evaluate_expr.register
def _evaluate_sum(expr: SumExpr, state: State) -> torch.Tensor:
    return evaluate_expr(expr.of, state).flatten(1).sum(1)


@evaluate_expr.register
def _evaluate_full(expr: FullExpr, state: State) -> torch.Tensor:
    return torch.full(expr.size, expr.number, **common_options(state))


@evaluate_expr.register
def _evaluate_dirac(expr: DiracExpr, state: State) -> torch.Tensor:
    return torch.nn.init.dirac_(torch.empty(expr.shape, **common_options(state)), expr.groups)


def common_options(state: State) -> TensorOptions:
    """Return type and device of the weights."""
    first = next((tensor for tensor in state.values() if tensor.is_floating_point()), torch.empty(0))
    return {"dtype": first.dtype, "device": first.device}


@evaluate_expr.register
def _evaluate_add(expr: AddExpr, state: State) -> torch.Tensor:
    return torch.stack([evaluate_expr(part, state) for part in expr.parts]).sum(0)


@evaluate_expr.register
def _evaluate_rsqrt(expr: RsqrtExpr, state: State) -> torch.Tensor:
    return torch.rsqrt(evaluate_expr(expr.of, state) + expr.eps)


@evaluate_expr.register
def _evaluate_same(expr: SameExpr, state: State) -> torch.Tensor:
    return evaluate_expr(expr.parts[0], state)
