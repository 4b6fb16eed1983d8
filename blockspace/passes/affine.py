"""Ops that in eval mode are y = s x + t per channel, as expressions over their tensors; and convolutions with s and t inside."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.graph import Node
from blockspace.ops import BatchNorm, Conv
from blockspace.ops import Scale as ScaleOp
from blockspace.passes.match import tensor
from blockspace.passes.weights import Add, Concat, Expr, Full, Permute, Reshape, Rsqrt, Scale, Source, Sum, cut

AFFINE: tuple[type[BatchNorm | ScaleOp], ...] = (BatchNorm, ScaleOp)


@dataclass(frozen=True)
class Affine:
    """y = scale x + shift: vectors with one number a channel; no shift is None."""

    scale: Expr
    shift: Expr | None = None

    @classmethod
    def of(cls, node: Node[BatchNorm | ScaleOp]) -> Affine:
        """What a batch norm does with its running statistics, or a scale with its factor."""
        if isinstance(node.op, BatchNorm):
            weight, bias, mean, var = (tensor(node, key) for key in ("weight", "bias", "running_mean", "running_var"))
            scale = Scale(weight, Rsqrt(var, node.op.eps))
            return cls(scale, Add((bias, Scale(Scale(mean, scale), -1.0))))
        channels = (node.shape[0],)
        return cls(Reshape(tensor(node, "weight"), channels) if node.op.learned else Full(channels, float(node.op.by)))

    def within(self, start: int, stop: int, channels: int, at: int) -> Affine:
        """This one's channels `at`.. as the channels start:stop of `channels`; the others stay as they are."""
        size = stop - start

        def wide(vector: Expr, rest: float) -> Expr:
            around = Full((start,), rest), cut(vector, 0, at, at + size), Full((channels - stop,), rest)
            found = tuple(part for part in around if part.shape[0])
            return found[0] if len(found) == 1 else Concat(found)

        return Affine(wide(self.scale, 1.0), None if self.shift is None else wide(self.shift, 0.0))

    def after(self, weight: Expr, bias: Expr | None) -> tuple[Expr, Expr | None]:
        """Weight and bias of s (W ∗ x + b) + t."""
        scaled = None if bias is None else Scale(bias, self.scale)
        terms = tuple(term for term in (scaled, self.shift) if term is not None)
        return Scale(weight, self.scale), Add(terms) if len(terms) > 1 else terms[0] if terms else None

    def before(self, weight: Expr, bias: Expr | None, groups: int) -> tuple[Expr, Expr | None]:
        """Weight and bias of W ∗ (s x + t) + b; the shift is exact only where nothing is padded."""
        shift = None if self.shift is None else Sum(by_input(weight, self.shift, groups))
        terms = tuple(term for term in (bias, shift) if term is not None)
        return by_input(weight, self.scale, groups), Add(terms) if len(terms) > 1 else terms[0] if terms else None


def by_input(weight: Expr, vector: Expr, groups: int) -> Expr:
    """A kernel (O, I / groups, H, W) times one number for each of the I input channels."""
    out, inner, *window = weight.shape
    size = (groups, out // groups, inner, *window)
    turn = (0, 2, 1, 3, 4)  # its own inverse
    turned = Permute(Reshape(weight, size), turn)
    scaled = Scale(Reshape(turned, (groups * inner, out // groups, *window)), vector)
    return Reshape(Permute(Reshape(scaled, turned.shape), turn), weight.shape)


def held(conv: Node[Conv]) -> tuple[Source, Source | None]:
    """The weight and the bias of a convolution."""
    return tensor(conv, "weight"), tensor(conv, "bias") if conv.op.bias else None
