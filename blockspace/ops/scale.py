"""Dropout of elements and of paths, scaling, and the zero op."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.op import FLOAT, Call, In, Op, Shape, Weight, attributes, elements, register, spatial

Factor = float | str  # a number, or the word `learned`


@register("dropout")
@attributes
class Dropout(Op):
    """Elements zeroed with probability `p` in training."""

    p: float = 0.5

    view = True  # in eval mode torch returns the input itself

    def __post_init__(self) -> None:
        probability(self)

    def shape(self, value: Shape) -> Shape:
        return value

    def call(self) -> Call:
        return Call("torch.nn.Dropout", self.p)


@register("drop_path")
@attributes
class DropPath(Op):
    """Whole values of a batch zeroed with probability `p` in training, the others divided by 1 - p (stochastic depth, arXiv:1603.09382)."""

    p: float

    view = True

    def __post_init__(self) -> None:
        probability(self)

    def shape(self, value: Shape) -> Shape:
        return spatial(self.name, value)

    def call(self) -> Call:
        # Dropout3d zeroes whole slices along the first axis of a value without batch, (C, D, H, W); in (N, C, H, W) that axis is the batch.
        return Call("torch.nn.Dropout3d", self.p)


def probability(op: Dropout | DropPath) -> None:
    """Raises BlockspaceError (E-TYPE) when the op's `p` is none, or certainty."""
    if not 0 <= op.p < 1:
        raise error("E-TYPE", f"{op.name}: p must be in [0, 1), got {op.p}")


@register("scale")
@attributes
class Scale(Op):
    """The value times a constant, or times a `learned` factor per channel that starts at `init` (layer scale, arXiv:2103.17239 eq. 4)."""

    channels: int
    by: Factor
    init: float = 1.0

    from_input = ("channels",)
    fresh = True

    def __post_init__(self) -> None:
        if not self.learned and self.init != 1.0:
            raise error("E-TYPE", f"scale: only a learned factor has an `init`, and this one is {self.by:g}", help="write by: learned")

    @property
    def learned(self) -> bool:
        return self.by == "learned"

    channelwise = True

    def shape(self, value: Shape) -> Shape:
        return spatial("a learned scale", value) if self.learned else value

    def params(self) -> int:
        return self.channels if self.learned else 0

    def call(self) -> Call:
        return Call("operator.mul", In(0), Weight("weight", (self.channels, 1, 1), self.init) if self.learned else self.by)

    def label(self) -> str:
        return "learned scale" if self.learned else f"scale {self.by:g}"


@register("zero")
class Zero(Op):
    """A value of zeros: no connection (NAS-Bench-201's `none`)."""

    fresh = True

    def shape(self, value: Shape) -> Shape:
        return value

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        return FLOAT * elements(output)  # written; the input is asked for its shape only

    def call(self) -> Call:
        return Call("torch.zeros_like", In(0))
