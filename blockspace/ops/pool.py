"""Define pooling over space."""

from __future__ import annotations

from typing import Any

from blockspace.errors import error
from blockspace.ops.conv import collapse_pair
from blockspace.ops.op import (
    Call,
    In,
    Op,
    Pair,
    Shape,
    Window,
    count_elements,
    count_window_positions,
    format_shape,
    op_dataclass,
    register_op,
    require_spatial,
)

Size = int | Pair  # of a grid: one number for both axes, or (height, width)


@op_dataclass
class Pool(Op):
    """A sliding window over each channel, `(C, H, W) -> (C, H', W')`, sizes rounded down or, with `ceil_mode`, up."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    step = False
    channelwise = True
    fresh = True

    def shape(self, value: Shape) -> Shape:
        """Return (C, H', W'). Raises BlockspaceError (E-SHAPE) when the window does not fit."""
        channels, *sizes = require_spatial(self.word(), value)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel)):
            raise error("E-SHAPE", f"{self.word()}: padding {collapse_pair(self.padding)} is more than half of the kernel")
        out = [count_window_positions(*args, 1, self.ceil_mode) for args in zip(sizes, self.kernel, self.stride, self.padding)]
        if min(out) < 1:
            help = "less stride before it, or a larger input"
            raise error("E-SHAPE", f"{self.word()} does not fit into {format_shape(value)}", help=help)
        return (channels, *out)

    def window(self, value: Shape) -> Window:
        """Return the window of the kernel."""
        return Window(self.kernel, self.stride, self.padding)

    def word(self) -> str:
        """Return the operation as YAML writes it: maxpool3x3."""
        return f"{self.name}{self.kernel[0]}x{self.kernel[1]}"

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the torch call that differ from its defaults."""
        extra = {"padding": (collapse_pair(self.padding), 0), "ceil_mode": (self.ceil_mode, False)}
        return {"stride": collapse_pair(self.stride)} | {key: value for key, (value, default) in extra.items() if value != default}

    def label(self) -> str:
        """Return a short text for drawings."""
        return self.word() + (f" /{collapse_pair(self.stride)}" if self.stride != (1, 1) else "")


@register_op("maxpool")
@op_dataclass
class MaxPool(Pool):
    """Maximum over the window; `maxpool1x1` with a stride is stride-slicing."""

    def scratch(self, output: Shape) -> int:
        """Return the bytes that torch allocates besides the output in eval mode and frees when the call returns."""
        return 8 * count_elements(output)  # torch also finds where each maximum was, in 64-bit integers

    def call(self) -> Call:
        """Return a call of `torch.nn.functional.max_pool2d`."""
        return Call("torch.nn.functional.max_pool2d", In(0), collapse_pair(self.kernel), **self.keyword_arguments())


@register_op("avgpool")
@op_dataclass
class AvgPool(Pool):
    """Mean over the window; with `count_include_pad` the padding counts as zeros."""

    count_include_pad: bool = True

    def call(self) -> Call:
        """Return a call of `torch.nn.functional.avg_pool2d`."""
        kwargs = self.keyword_arguments() | ({} if self.count_include_pad else {"count_include_pad": False})
        return Call("torch.nn.functional.avg_pool2d", In(0), collapse_pair(self.kernel), **kwargs)


@register_op("adaptive_avgpool")
@op_dataclass
class AdaptiveAvgPool(Op):
    """Mean over a grid of `size` cells, one number or (height, width), `(C, H, W) -> (C, *size)`; size 1 is `global_avgpool`."""

    size: Size

    channelwise = True
    fresh = True

    def shape(self, value: Shape) -> Shape:
        """Return (C, *size). Raises BlockspaceError (E-SHAPE) for a flat value."""
        return (require_spatial("adaptive_avgpool", value)[0], *self.cells)

    @property
    def cells(self) -> Pair:
        """The number of cells as (height, width)."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def window(self, value: Shape) -> Window | None:
        """Return the largest cell. Where the cells do not divide the map, some are smaller by one and they overlap."""
        if self.size == 1:
            return None
        sides = list(zip(value[1:], self.cells))
        height, width = (cell_length(*side) for side in sides)
        down, right = (max(1, length // cells) for length, cells in sides)
        return Window((height, width), (down, right))

    def call(self) -> Call:
        """Return a call of `torch.nn.functional.adaptive_avg_pool2d`."""
        return Call("torch.nn.functional.adaptive_avg_pool2d", In(0), self.size)

    def label(self) -> str:
        """Return a short text for drawings."""
        size = self.size if isinstance(self.size, int) else format_shape(self.size)
        return "global avgpool" if self.size == 1 else f"adaptive avgpool {size}"


def cell_length(length: int, cells: int) -> int:
    """Return the positions in the largest of so many cells along a side of this length."""
    return max(-(-(i + 1) * length // cells) - i * length // cells for i in range(cells))
