"""Define dropout of elements and of paths, scaling, and the zero op."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.op import FLOAT, Call, In, Op, Shape, Weight, count_elements, op_dataclass, register_op, require_spatial

Factor = float | str  # a number, or the word `learned`


@register_op("dropout")
@op_dataclass
class Dropout(Op):
    """Elements zeroed with probability `p` in training, the others divided by 1 - p (Srivastava et al., JMLR 2014); any shape."""

    p: float = 0.5

    view = True  # in eval mode torch returns the input itself

    def __post_init__(self) -> None:
        check_probability(self)

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged."""
        return value

    def call(self) -> Call:
        """Return a call of `torch.nn.Dropout`."""
        return Call("torch.nn.Dropout", self.p)


@register_op("drop_path")
@op_dataclass
class DropPath(Op):
    """Whole values of a batch zeroed with probability `p` in training, the others divided by 1 - p (stochastic depth, arXiv:1603.09382)."""

    p: float

    view = True

    def __post_init__(self) -> None:
        check_probability(self)

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged. Raises BlockspaceError (E-SHAPE) for a flat value."""
        return require_spatial(self.name, value)

    def call(self) -> Call:
        """Return a call of `torch.nn.Dropout3d`."""
        # Dropout3d zeroes whole slices along the first axis of a value without batch, (C, D, H, W); in (N, C, H, W) that axis is the batch.
        return Call("torch.nn.Dropout3d", self.p)


def check_probability(op: Dropout | DropPath) -> None:
    """Raise BlockspaceError (E-TYPE) unless the op's `p` is in [0, 1)."""
    if not 0 <= op.p < 1:
        raise error("E-TYPE", f"{op.name}: p must be in [0, 1), got {op.p}")


@register_op("scale")
@op_dataclass
class Scale(Op):
    """The value times a constant (any shape), or a `learned` factor per channel of `(C, H, W)` from `init` (arXiv:2103.17239 eq. 4)."""

    channels: int
    by: Factor
    init: float = 1.0

    from_input = ("channels",)
    channelwise = True
    fresh = True

    def __post_init__(self) -> None:
        if not self.learned and self.init != 1.0:
            raise error("E-TYPE", f"scale: only a learned factor has an `init`, and this one is {self.by:g}", help="write by: learned")

    @property
    def learned(self) -> bool:
        """Return whether the factor is a parameter."""
        return self.by == "learned"

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged. Raises BlockspaceError (E-SHAPE) when the factor is learned and the value is flat."""
        return require_spatial("a learned scale", value) if self.learned else value

    def params(self) -> int:
        """Return the number of trainable elements."""
        return self.channels if self.learned else 0

    def call(self) -> Call:
        """Return a call of `operator.mul`."""
        return Call("operator.mul", In(0), Weight("weight", (self.channels, 1, 1), self.init) if self.learned else self.by)

    def label(self) -> str:
        """Return a short text for drawings."""
        return "learned scale" if self.learned else f"scale {self.by:g}"


@register_op("zero")
class Zero(Op):
    """Zeros of the value's shape: no connection (`none` of NAS-Bench-201, arXiv:2001.00326)."""

    fresh = True

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged."""
        return value

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        """Return the bytes written; the input is not read."""
        return FLOAT * count_elements(output)  # written; the input is asked for its shape only

    def call(self) -> Call:
        """Return a call of `torch.zeros_like`."""
        return Call("torch.zeros_like", In(0))
