"""Define ops that move, cut or pad values without arithmetic, among them the parts of a split."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.conv import suggest_multiples
from blockspace.ops.op import POINT, Call, In, Op, Shape, Window, count_elements, format_shape, op_dataclass, register_op, require_spatial


@register_op("input")
@op_dataclass
class Input(Op):
    """The graph's one input, of shape `(C, H, W)` (or `(C,)`)."""

    size: Shape

    kind = "input"
    arity = 0
    step = False
    view = True  # the caller's memory

    def shape(self) -> Shape:
        """Return the declared size."""
        return self.size


@register_op("identity")
@op_dataclass
class Identity(Op):
    """The value itself, of any shape."""

    view = True

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged."""
        return value


@register_op("copy")
class Copy(Identity):
    """A split by copying: every branch reads the whole value."""

    kind = "split"
    step = False


@register_op("part")
@op_dataclass
class Part(Op):
    """Channels `start` to `stop` of a value: one part of a split, `(C, H, W) -> (stop - start, H, W)`."""

    start: int
    stop: int

    kind = "split"
    step = False
    view = True

    def shape(self, value: Shape) -> Shape:
        """Return (stop - start, H, W). Raises BlockspaceError (E-SPLIT) when these channels do not exist."""
        if not 0 <= self.start < self.stop <= value[0]:
            raise error("E-SPLIT", f"channels {self.start}..{self.stop} do not exist in {format_shape(value)}")
        return (self.stop - self.start, *value[1:])

    def call(self) -> Call:
        """Return a call of `operator.getitem`."""
        return Call("operator.getitem", In(0), (slice(None), slice(self.start, self.stop)))

    def label(self) -> str:
        """Return a short text for drawings."""
        return f"[{self.start}:{self.stop}]"


@register_op("slice")
@op_dataclass
class Slice(Op):
    """The first channels of a value, `(C, H, W) -> (channels, H, W)`."""

    channels: int

    view = True

    def shape(self, value: Shape) -> Shape:
        """Return (channels, H, W). Raises BlockspaceError (E-SHAPE) when there are fewer channels."""
        if not 0 < self.channels <= value[0]:
            raise error("E-SHAPE", f"slice: cannot take {self.channels} of {value[0]} channels")
        return (self.channels, *value[1:])

    def call(self) -> Call:
        """Return a call of `operator.getitem`."""
        return Call("operator.getitem", In(0), (slice(None), slice(None, self.channels)))


@register_op("pad_channels")
@op_dataclass
class PadChannels(Op):
    """Zero channels appended, `(C, H, W) -> (channels, H, W)` (option A of ResNet, arXiv:1512.03385 section 4.2)."""

    in_channels: int
    channels: int

    from_input = ("in_channels",)
    fresh = True

    def shape(self, value: Shape) -> Shape:
        """Return (channels, H', W'), subsampled by the stride. Raises BlockspaceError (E-SHAPE) when there are more channels."""
        _, *sizes = require_spatial("pad_channels", value)
        if self.channels < value[0]:
            raise error(
                "E-SHAPE", f"pad_channels: {value[0]} channels cannot be padded to {self.channels}", help="`slice` takes fewer channels"
            )
        return (self.channels, *sizes)

    def call(self) -> Call:
        """Return a call of `torch.nn.functional.pad`."""
        return Call("torch.nn.functional.pad", In(0), (0, 0, 0, 0, 0, self.channels - self.in_channels))


@register_op("channel_shuffle")
@op_dataclass
class ChannelShuffle(Op):
    """Channels viewed as (groups, C / groups), transposed and flattened, as torchvision does (ShuffleNet, arXiv:1707.01083 section 3.1)."""

    groups: int

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged. Raises BlockspaceError (E-GROUPS) when the channels do not divide into groups."""
        if require_spatial("channel_shuffle", value)[0] % self.groups:
            raise error(
                "E-GROUPS",
                f"channel_shuffle: {value[0]} channels do not divide into {self.groups} groups",
                help=suggest_multiples(value[0], self.groups),
            )
        return value

    def call(self) -> Call:
        """Return a call of `torch.nn.functional.channel_shuffle`."""
        return Call("torch.nn.functional.channel_shuffle", In(0), self.groups)

    def label(self) -> str:
        """Return a short text for drawings."""
        return f"channel shuffle {self.groups}"


@register_op("transpose")
class Transpose(Op):
    """Channels in a row, `(C, 1, 1) -> (1, 1, C)`, or back: in between, `conv1xK` runs over the channels (ECA, arXiv:1910.03151)."""

    view = True

    def shape(self, value: Shape) -> Shape:
        """Return (C, 1, 1) as (1, 1, C), and the reverse. Raises BlockspaceError (E-SHAPE) for another shape."""
        channels, height, width = require_spatial("transpose", value)
        if height != 1 or min(channels, width) != 1:
            raise error("E-SHAPE", f"transpose needs (C, 1, 1) or (1, 1, C), got {format_shape(value)}", help="`global_avgpool` first")
        return (width, 1, channels)

    def window(self, value: Shape) -> Window | None:
        """Return None: an output position depends on the whole map."""
        return None

    def call(self) -> Call:
        """Return a call of `torch.transpose`."""
        return Call("torch.transpose", In(0), 1, 3)


@register_op("flatten")
class Flatten(Op):
    """All elements in one dimension, `(C, H, W) -> (C H W,)`."""

    view = True  # at batch 1 even a slice of channels lies in one piece

    def shape(self, value: Shape) -> Shape:
        """Return (C * H * W,)."""
        return (count_elements(value),)

    def window(self, value: Shape) -> Window | None:
        """Return one position for a value without height and width, else None for the whole map."""
        return POINT if set(value[1:]) <= {1} else None

    def call(self) -> Call:
        """Return a call of `torch.flatten`."""
        return Call("torch.flatten", In(0), 1)
