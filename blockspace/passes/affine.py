"""Ops that in eval mode are y = s x + t per channel, as expressions over their tensors; and convolutions with s and t inside."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.graph import Node
from blockspace.ops import BatchNorm, Conv, Scale as ScaleOp
from blockspace.passes.match import tensor_of
from blockspace.passes.weight_map import (
    AddExpr,
    ConcatExpr,
    FullExpr,
    PermuteExpr,
    ReshapeExpr,
    RsqrtExpr,
    ScaleExpr,
    SourceExpr,
    SumExpr,
    WeightExpr,
    slice_expr,
)

AFFINE: tuple[type[BatchNorm | ScaleOp], ...] = (BatchNorm, ScaleOp)


@dataclass(frozen=True)
class Affine:
    """y = scale x + shift: vectors with one number a channel; no shift is None."""

    scale: WeightExpr
    shift: WeightExpr | None = None

    @classmethod
    def of(cls, node: Node[BatchNorm | ScaleOp]) -> Affine:
        """Return what a batch norm does with its running statistics, or a scale with its factor."""
        if isinstance(node.op, BatchNorm):
            weight, bias, mean, var = (tensor_of(node, key) for key in ("weight", "bias", "running_mean", "running_var"))
            scale = ScaleExpr(weight, RsqrtExpr(var, node.op.eps))
            return cls(scale, AddExpr((bias, ScaleExpr(ScaleExpr(mean, scale), -1.0))))
        channels = (node.shape[0],)
        return cls(ReshapeExpr(tensor_of(node, "weight"), channels) if node.op.learned else FullExpr(channels, float(node.op.by)))

    def within(self, start: int, stop: int, channels: int, at: int) -> Affine:
        """Return its channels from `at` as the channels start:stop of `channels`; the others stay as they are."""
        size = stop - start

        def wide(vector: WeightExpr, rest: float) -> WeightExpr:
            around = FullExpr((start,), rest), slice_expr(vector, 0, at, at + size), FullExpr((channels - stop,), rest)
            found = tuple(part for part in around if part.shape[0])
            return found[0] if len(found) == 1 else ConcatExpr(found)

        return Affine(wide(self.scale, 1.0), None if self.shift is None else wide(self.shift, 0.0))

    def after(self, weight: WeightExpr, bias: WeightExpr | None) -> tuple[WeightExpr, WeightExpr | None]:
        """Return weight and bias of s (W ∗ x + b) + t."""
        scaled = None if bias is None else ScaleExpr(bias, self.scale)
        terms = tuple(term for term in (scaled, self.shift) if term is not None)
        return ScaleExpr(weight, self.scale), AddExpr(terms) if len(terms) > 1 else terms[0] if terms else None

    def before(self, weight: WeightExpr, bias: WeightExpr | None, groups: int) -> tuple[WeightExpr, WeightExpr | None]:
        """Return weight and bias of W ∗ (s x + t) + b; the shift is exact only where nothing is padded."""
        shift = None if self.shift is None else SumExpr(scale_inputs(weight, self.shift, groups))
        terms = tuple(term for term in (bias, shift) if term is not None)
        return scale_inputs(weight, self.scale, groups), AddExpr(terms) if len(terms) > 1 else terms[0] if terms else None


def scale_inputs(weight: WeightExpr, vector: WeightExpr, groups: int) -> WeightExpr:
    """Return a kernel (O, I / groups, H, W) times one number for each of the I input channels."""
    out, inner, *window = weight.shape
    size = (groups, out // groups, inner, *window)
    turn = (0, 2, 1, 3, 4)  # its own inverse
    turned = PermuteExpr(ReshapeExpr(weight, size), turn)
    scaled = ScaleExpr(ReshapeExpr(turned, (groups * inner, out // groups, *window)), vector)
    return ReshapeExpr(PermuteExpr(ReshapeExpr(scaled, turned.shape), turn), weight.shape)


def conv_tensors(conv: Node[Conv]) -> tuple[SourceExpr, SourceExpr | None]:
    """Return the weight and the bias of a convolution."""
    return tensor_of(conv, "weight"), tensor_of(conv, "bias") if conv.op.bias else None
