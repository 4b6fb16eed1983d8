"""Define convolution and linear, the ops whose multiplications count as macs."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.op import (
    Call,
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


def collapse_pair(pair: Pair) -> int | Pair:
    """Return one number when both of a pair are equal, as a person would write it."""
    return pair[0] if pair[0] == pair[1] else pair


def suggest_multiples(value: int, divisor: int) -> str:
    """Return a hint that names the multiples of `divisor` around `value`."""
    below = value // divisor * divisor
    return f"nearest that divide: {', '.join(str(v) for v in (below, below + divisor) if v > 0)}"


@register_op("conv")
@op_dataclass
class Conv(Op):
    """2-d convolution, `(C, H, W) -> (out_channels, H', W')`; `groups` divides both channel counts.

    H' = (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1, as in torch; pairs are `(height, width)`.
    """

    in_channels: int
    out_channels: int
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False

    step = False
    fresh = True

    def __post_init__(self) -> None:
        for what, channels in (("input", self.in_channels), ("output", self.out_channels)):
            if channels % self.groups:
                raise error(
                    "E-GROUPS",
                    f"{self.word()}: {channels} {what} channels do not divide into {self.groups} groups",
                    help=suggest_multiples(channels, self.groups),
                )

    def word(self) -> str:
        """Return the operation as YAML writes it: conv3x3, dwconv5x5."""
        depthwise = "dw" if self.depthwise else ""
        return f"{depthwise}conv{self.kernel[0]}x{self.kernel[1]}"

    @property
    def depthwise(self) -> bool:
        """Return whether each channel is convolved by itself."""
        return self.groups == self.in_channels == self.out_channels and self.groups > 1

    def shape(self, value: Shape) -> Shape:
        """Return (out_channels, H', W'). Raises BlockspaceError: E-GROUPS, or E-SHAPE when the kernel does not fit."""
        channels, *sizes = require_spatial(self.word(), value)
        if channels != self.in_channels:
            raise error("E-SHAPE", f"{self.word()} was made for {self.in_channels} channels, got {format_shape(value)}")
        out = [count_window_positions(*args) for args in zip(sizes, self.kernel, self.stride, self.padding, self.dilation)]
        if min(out) < 1:
            raise error(
                "E-SHAPE",
                f"{self.word()} with padding {collapse_pair(self.padding)} does not fit into {format_shape(value)}",
                help="less stride before it, more padding, or a larger input",
            )
        return (self.out_channels, *out)

    def params(self) -> int:
        """Return the number of trainable elements."""
        weight = self.in_channels // self.groups * self.out_channels * self.kernel[0] * self.kernel[1]
        return weight + (self.out_channels if self.bias else 0)

    def tensors(self) -> dict[str, Shape]:
        """Return the shapes of parameters and buffers by their names in the state_dict."""
        weight = (self.out_channels, self.in_channels // self.groups, *self.kernel)
        return {"weight": weight, "bias": (self.out_channels,)} if self.bias else {"weight": weight}

    def macs(self, output: Shape) -> int:
        """Return the multiply-accumulates at batch 1."""
        return count_elements(output) * (self.in_channels // self.groups) * self.kernel[0] * self.kernel[1]

    def acts(self, output: Shape) -> int:
        """Return the number of output elements."""
        return count_elements(output)

    def window(self, value: Shape) -> Window:
        """Return the window of the kernel."""
        return Window(self.kernel, self.stride, self.padding, self.dilation)

    def call(self) -> Call:
        """Return a call of `torch.nn.Conv2d`."""
        extra = {
            "stride": (collapse_pair(self.stride), 1),
            "padding": (collapse_pair(self.padding), 0),
            "dilation": (collapse_pair(self.dilation), 1),
            "groups": (self.groups, 1),
            "bias": (self.bias, True),
        }
        kwargs = {key: value for key, (value, default) in extra.items() if value != default}
        return Call("torch.nn.Conv2d", self.in_channels, self.out_channels, collapse_pair(self.kernel), **kwargs)

    def label(self) -> str:
        """Return a short text for drawings."""
        parts = [
            self.word(),
            f"{self.in_channels}->{self.out_channels}" if self.in_channels != self.out_channels else str(self.out_channels),
        ]
        if self.groups > 1 and not self.depthwise:
            parts.append(f"g{self.groups}")
        if self.stride != (1, 1):
            parts.append(f"/{collapse_pair(self.stride)}")
        if self.dilation != (1, 1):
            parts.append(f"d{collapse_pair(self.dilation)}")
        return " ".join(parts)


@register_op("linear")
@op_dataclass
class Linear(Op):
    """Fully connected layer, `(in_features,) -> (out,)`."""

    in_features: int
    out: int
    bias: bool = True

    from_input = ("in_features",)
    fresh = True

    def shape(self, value: Shape) -> Shape:
        """Return (out,) for a flat value. Raises BlockspaceError (E-SHAPE) for a map or another number of features."""
        if len(value) != 1:
            raise error("E-SHAPE", f"linear needs a flat value, got {format_shape(value)}", help="`global_avgpool` or `flatten` first")
        if value[0] != self.in_features:
            raise error("E-SHAPE", f"linear was made for {self.in_features} features, got {value[0]}")
        return (self.out,)

    def params(self) -> int:
        """Return the number of trainable elements."""
        return self.out * (self.in_features + (1 if self.bias else 0))

    def tensors(self) -> dict[str, Shape]:
        """Return the shapes of parameters and buffers by their names in the state_dict."""
        weight = (self.out, self.in_features)
        return {"weight": weight, "bias": (self.out,)} if self.bias else {"weight": weight}

    def macs(self, output: Shape) -> int:
        """Return the multiply-accumulates at batch 1."""
        return self.in_features * self.out

    def acts(self, output: Shape) -> int:
        """Return the number of output elements."""
        return self.out

    def call(self) -> Call:
        """Return a call of `torch.nn.Linear`."""
        return Call("torch.nn.Linear", self.in_features, self.out, **({} if self.bias else {"bias": False}))

    def label(self) -> str:
        """Return a short text for drawings."""
        return f"linear {self.in_features}->{self.out}"
