"""Dropout, scaling and the zero op."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.op import FLOAT, Call, In, Op, Shape, attributes, elements, register


@register("dropout")
@attributes
class Dropout(Op):
    """Elements zeroed with probability `p` in training."""

    p: float = 0.5

    view = True  # in eval mode torch returns the input itself

    def __post_init__(self) -> None:
        if not 0 <= self.p < 1:
            raise error("E-TYPE", f"dropout: p must be in [0, 1), got {self.p}")

    def shape(self, value: Shape) -> Shape:
        return value

    def call(self) -> Call:
        return Call("torch.nn.Dropout", self.p)


@register("scale")
@attributes
class Scale(Op):
    """The value times a constant."""

    by: float

    def shape(self, value: Shape) -> Shape:
        return value

    def call(self) -> Call:
        return Call("operator.mul", In(0), self.by)

    def label(self) -> str:
        return f"scale {self.by:g}"


@register("zero")
class Zero(Op):
    """A value of zeros: no connection (NAS-Bench-201's `none`)."""

    def shape(self, value: Shape) -> Shape:
        return value

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        return FLOAT * elements(output)  # written; the input is asked for its shape only

    def call(self) -> Call:
        return Call("torch.zeros_like", In(0))
