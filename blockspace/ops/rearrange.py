"""Ops that move, cut or pad values without arithmetic; the parts of a split are among them."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.conv import near
from blockspace.ops.op import POINT, Call, In, Op, Shape, Window, attributes, elements, register, show, spatial


@register("input")
@attributes
class Input(Op):
    """The graph's one input, of shape `(C, H, W)` (or `(C,)`)."""

    size: Shape

    kind = "input"
    arity = 0
    step = False
    view = True  # the caller's memory

    def shape(self) -> Shape:
        return self.size


@register("identity")
@attributes
class Identity(Op):
    """The value itself."""

    view = True

    def shape(self, value: Shape) -> Shape:
        return value


@register("copy")
class Copy(Identity):
    """Split by copying: every branch reads the whole value."""

    kind = "split"
    step = False


@register("part")
@attributes
class Part(Op):
    """Channels `start` to `stop` of a value: one part of a split, `(C, H, W) -> (stop - start, H, W)`."""

    start: int
    stop: int

    kind = "split"
    step = False
    view = True

    def shape(self, value: Shape) -> Shape:
        if not 0 <= self.start < self.stop <= value[0]:
            raise error("E-SPLIT", f"channels {self.start}..{self.stop} do not exist in {show(value)}")
        return (self.stop - self.start, *value[1:])

    def call(self) -> Call:
        return Call("operator.getitem", In(0), (slice(None), slice(self.start, self.stop)))

    def label(self) -> str:
        return f"[{self.start}:{self.stop}]"


@register("slice")
@attributes
class Slice(Op):
    """The first `channels` channels of a value."""

    channels: int

    view = True

    def shape(self, value: Shape) -> Shape:
        if not 0 < self.channels <= value[0]:
            raise error("E-SHAPE", f"slice: cannot take {self.channels} of {value[0]} channels")
        return (self.channels, *value[1:])

    def call(self) -> Call:
        return Call("operator.getitem", In(0), (slice(None), slice(None, self.channels)))


@register("pad_channels")
@attributes
class PadChannels(Op):
    """Zero channels appended up to `channels` (option A of ResNet, arXiv:1512.03385 section 4.2)."""

    in_channels: int
    channels: int

    from_input = ("in_channels",)
    fresh = True

    def shape(self, value: Shape) -> Shape:
        _, *sizes = spatial("pad_channels", value)
        if self.channels < value[0]:
            raise error(
                "E-SHAPE", f"pad_channels: {value[0]} channels cannot be padded to {self.channels}", help="`slice` takes fewer channels"
            )
        return (self.channels, *sizes)

    def call(self) -> Call:
        return Call("torch.nn.functional.pad", In(0), (0, 0, 0, 0, 0, self.channels - self.in_channels))


@register("channel_shuffle")
@attributes
class ChannelShuffle(Op):
    """View the channels as (groups, C / groups), transpose, flatten, as torchvision (ShuffleNet, arXiv:1707.01083 section 3.1)."""

    groups: int

    def shape(self, value: Shape) -> Shape:
        if spatial("channel_shuffle", value)[0] % self.groups:
            raise error(
                "E-GROUPS",
                f"channel_shuffle: {value[0]} channels do not divide into {self.groups} groups",
                help=near(value[0], self.groups),
            )
        return value

    def call(self) -> Call:
        return Call("torch.nn.functional.channel_shuffle", In(0), self.groups)

    def label(self) -> str:
        return f"channel shuffle {self.groups}"


@register("transpose")
class Transpose(Op):
    """Channels in a row, `(C, 1, 1) -> (1, 1, C)`, or back: in between, `conv1xK` runs over the channels (ECA, arXiv:1910.03151)."""

    view = True

    def shape(self, value: Shape) -> Shape:
        channels, height, width = spatial("transpose", value)
        if height != 1 or min(channels, width) != 1:
            raise error("E-SHAPE", f"transpose needs (C, 1, 1) or (1, 1, C), got {show(value)}", help="`global_avgpool` first")
        return (width, 1, channels)

    def window(self, value: Shape) -> Window | None:
        return None

    def call(self) -> Call:
        return Call("torch.transpose", In(0), 1, 3)


@register("flatten")
class Flatten(Op):
    """All of `(C, H, W)` as `(C H W,)`."""

    view = True  # at batch 1 even a slice of channels lies in one piece

    def shape(self, value: Shape) -> Shape:
        return (elements(value),)

    def window(self, value: Shape) -> Window | None:
        return POINT if set(value[1:]) <= {1} else None

    def call(self) -> Call:
        return Call("torch.flatten", In(0), 1)
