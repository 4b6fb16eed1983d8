"""Pooling over space."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.conv import plain
from blockspace.ops.op import Call, In, Op, Pair, Shape, Window, attributes, elements, register, show, spatial, window


@attributes
class Pool(Op):
    """A sliding window over `(C, H, W)`; stride 1 and padding `(k - 1) // 2` unless said, as in the grammar."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    ceil_mode: bool = False

    step = False
    channelwise = True
    fresh = True

    def shape(self, value: Shape) -> Shape:
        channels, *sizes = spatial(self.word(), value)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel)):
            raise error("E-SHAPE", f"{self.word()}: padding {plain(self.padding)} is more than half of the kernel")
        out = [window(*args, 1, self.ceil_mode) for args in zip(sizes, self.kernel, self.stride, self.padding)]
        if min(out) < 1:
            raise error("E-SHAPE", f"{self.word()} does not fit into {show(value)}", help="less stride before it, or a larger input")
        return (channels, *out)

    def window(self, value: Shape) -> Window:
        return Window(self.kernel, self.stride, self.padding)

    def word(self) -> str:
        return f"{self.name}{self.kernel[0]}x{self.kernel[1]}"

    def kwargs(self) -> dict:
        extra = {"padding": (plain(self.padding), 0), "ceil_mode": (self.ceil_mode, False)}
        return {"stride": plain(self.stride)} | {key: value for key, (value, default) in extra.items() if value != default}

    def label(self) -> str:
        return self.word() + (f" /{plain(self.stride)}" if self.stride != (1, 1) else "")


@register("maxpool")
@attributes
class MaxPool(Pool):
    """Maximum over the window; `maxpool1x1` with a stride is stride-slicing."""

    def scratch(self, output: Shape) -> int:
        return 8 * elements(output)  # torch also finds where each maximum was, in 64-bit integers

    def call(self) -> Call:
        return Call("torch.nn.functional.max_pool2d", In(0), plain(self.kernel), **self.kwargs())


@register("avgpool")
@attributes
class AvgPool(Pool):
    """Mean over the window; `count_include_pad` counts the padding as zeros."""

    count_include_pad: bool = True

    def call(self) -> Call:
        kwargs = self.kwargs() | ({} if self.count_include_pad else {"count_include_pad": False})
        return Call("torch.nn.functional.avg_pool2d", In(0), plain(self.kernel), **kwargs)


@register("adaptive_avgpool")
@attributes
class AdaptiveAvgPool(Op):
    """Mean over a grid of `size x size` cells, whatever the input size; size 1 is `global_avgpool`."""

    size: int

    channelwise = True
    fresh = True

    def shape(self, value: Shape) -> Shape:
        return (spatial("adaptive_avgpool", value)[0], self.size, self.size)

    def window(self, value: Shape) -> Window | None:
        """The largest cell. Where the cells do not divide the map, some are smaller by one and they overlap."""
        if self.size == 1:
            return None
        _, height, width = value
        return Window((self.cell(height), self.cell(width)), (max(1, height // self.size), max(1, width // self.size)))

    def cell(self, length: int) -> int:
        """Positions in the largest of the cells along so many."""
        return max(-(-(i + 1) * length // self.size) - i * length // self.size for i in range(self.size))

    def call(self) -> Call:
        return Call("torch.nn.functional.adaptive_avg_pool2d", In(0), self.size)

    def label(self) -> str:
        return "global avgpool" if self.size == 1 else f"adaptive avgpool {self.size}"
