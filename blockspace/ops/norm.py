"""Define normalisation: batch, layer (over channels at each position), group; local response, which has no parameters."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.conv import suggest_multiples
from blockspace.ops.op import FLOAT, Call, In, Op, Shape, Weight, count_elements, format_shape, op_dataclass, register_op, require_spatial


@op_dataclass
class Norm(Op):
    """A norm with one scale and one shift per channel, `(C, H, W) -> (C, H, W)`."""

    channels: int
    eps: float = 1e-5

    step = False
    from_input = ("channels",)

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged. Raises BlockspaceError (E-SHAPE) for another number of channels."""
        if require_spatial(self.name, value)[0] != self.channels:
            raise error("E-SHAPE", f"{self.name} was made for {self.channels} channels, got {format_shape(value)}")
        return value

    def params(self) -> int:
        """Return the number of trainable elements."""
        return 2 * self.channels

    def tensors(self) -> dict[str, Shape]:
        """Return the shapes of parameters and buffers by their names in the state_dict."""
        return {"weight": (self.channels,), "bias": (self.channels,)}

    def label(self) -> str:
        """Return a short text for drawings."""
        return self.name.replace("_", " ")


@register_op("batch_norm")
@op_dataclass
class BatchNorm(Norm):
    """Batch normalisation of each channel (Ioffe and Szegedy, arXiv:1502.03167); `momentum` is torch's, the weight of the new batch."""

    momentum: float = 0.1

    channelwise = True
    fresh = True

    def tensors(self) -> dict[str, Shape]:
        """Return the shapes of parameters and buffers by their names in the state_dict."""
        statistics = {"running_mean": (self.channels,), "running_var": (self.channels,), "num_batches_tracked": ()}
        return super().tensors() | statistics

    def weights(self) -> int:
        """Return the number of elements of parameters and buffers read in eval mode."""
        return 4 * self.channels  # scale, shift, running mean and variance

    def scratch(self, output: Shape) -> int:
        """Return the bytes that torch allocates besides the output in eval mode and frees when the call returns."""
        return FLOAT * 2 * self.channels  # a mean and a deviation to save, which eval mode throws away

    def call(self) -> Call:
        """Return a call of `torch.nn.BatchNorm2d`."""
        kwargs = {}
        if self.eps != 1e-5:
            kwargs["eps"] = self.eps
        if self.momentum != 0.1:
            kwargs["momentum"] = self.momentum
        return Call("torch.nn.BatchNorm2d", self.channels, **kwargs)


@register_op("layer_norm")
@op_dataclass
class LayerNorm(Norm):
    """Layer normalisation (arXiv:1607.06450) over the channels at each position, `(C, H, W)` or `(C,)`, as ConvNeXt (arXiv:2201.03545)."""

    def shape(self, value: Shape) -> Shape:
        """Return `value`, a map or flat, unchanged. Raises BlockspaceError (E-SHAPE) for another number of channels."""
        return super().shape(value) if len(value) == 3 else self.flat_shape(value)

    def flat_shape(self, value: Shape) -> Shape:
        """Return the shape `(C,)` itself. Raises BlockspaceError (E-SHAPE) when it has other channels than the norm."""
        if value != (self.channels,):
            raise error("E-SHAPE", f"{self.name} was made for {self.channels} channels, got {format_shape(value)}")
        return value

    def scratch(self, output: Shape) -> int:
        """Return the bytes that torch allocates besides the output in eval mode and frees when the call returns."""
        positions = count_elements(output[1:])
        copied = count_elements(output) if positions > 1 else 0  # torch normalises a copy that has the channels last
        return FLOAT * (copied + 2 * positions)  # a mean and a deviation each

    def call(self) -> Call:
        """Return the torch call."""
        last = Call("torch.movedim", In(0), 1, -1)
        weights = Weight("weight", (self.channels,), 1.0), Weight("bias", (self.channels,), 0.0)
        return Call("torch.movedim", Call("torch.nn.functional.layer_norm", last, [self.channels], *weights, self.eps), -1, 1)


@register_op("group_norm")
@op_dataclass
class GroupNorm(Norm):
    """Group normalisation (Wu and He, arXiv:1803.08494) over `(C / groups, H, W)`; one group is all of `(C, H, W)`."""

    groups: int = 32

    everywhere = True
    fresh = True

    def scratch(self, output: Shape) -> int:
        """Return the bytes that torch allocates besides the output in eval mode and frees when the call returns."""
        return FLOAT * 2 * self.groups  # mean and deviation of each group

    def __post_init__(self) -> None:
        if self.channels % self.groups:
            raise error(
                "E-GROUPS",
                f"group norm: {self.channels} channels do not divide into {self.groups} groups",
                help=suggest_multiples(self.channels, self.groups),
            )

    def call(self) -> Call:
        """Return a call of `torch.nn.GroupNorm`."""
        return Call("torch.nn.GroupNorm", self.groups, self.channels, **({"eps": self.eps} if self.eps != 1e-5 else {}))


@register_op("local_response_norm")
@op_dataclass
class LocalResponseNorm(Op):
    """x / (k + alpha / size * sum of x^2 over `size` channels around)^beta (Krizhevsky et al. 2012, section 3.3; GoogLeNet)."""

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged. Raises BlockspaceError (E-SHAPE) for a flat value."""
        return require_spatial("local_response_norm", value)

    def padded_elements(self, value: Shape) -> int:
        """Return the elements of the squares with zero channels around them."""
        channels, *sizes = value
        return count_elements((channels + self.size - 1, *sizes))

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        """Return the bytes of torch's calls: it squares, pads, takes means, multiplies, adds, raises to a power and divides."""
        return FLOAT * (14 * count_elements(output) + 2 * self.padded_elements(output))

    def scratch(self, output: Shape) -> int:
        """Return the bytes that torch allocates besides the output in eval mode and frees when the call returns."""
        return FLOAT * max(self.padded_elements(output), 2 * count_elements(output))

    def call(self) -> Call:
        """Return a call of `torch.nn.functional.local_response_norm`."""
        extra = {"alpha": (self.alpha, 1e-4), "beta": (self.beta, 0.75), "k": (self.k, 1.0)}
        kwargs = {key: value for key, (value, default) in extra.items() if value != default}
        return Call("torch.nn.functional.local_response_norm", In(0), self.size, **kwargs)

    def label(self) -> str:
        """Return a short text for drawings."""
        return "local response norm"
