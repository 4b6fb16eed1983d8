"""Define activations: one function each, shape unchanged, no parameters."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.conv import suggest_multiples
from blockspace.ops.op import Call, In, Op, Shape, op_dataclass, register_op


@op_dataclass
class Activation(Op):
    """A pointwise function of a value of any shape; subclasses name it in `torch.nn.functional`, and have no attributes."""

    function = ""
    channelwise = True

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged: activations keep the shape."""
        return value

    def call(self) -> Call:
        """Return a call of the function in `torch.nn.functional`."""
        return Call(f"torch.nn.functional.{self.function}", In(0))


@register_op("relu")
class Relu(Activation):
    """max(0, x)."""

    function = "relu"
    inplace = True


@register_op("relu6")
class Relu6(Activation):
    """min(max(0, x), 6) (MobileNetV2, arXiv:1801.04381 section 4)."""

    function = "relu6"
    inplace = True


@register_op("silu")
class Silu(Activation):
    """x sigmoid(x), also called swish (arXiv:1710.05941)."""

    function = "silu"
    inplace = True


@register_op("gelu")
class Gelu(Activation):
    """x Phi(x) with the normal distribution's Phi (arXiv:1606.08415), the exact form."""

    function = "gelu"


@register_op("leaky_relu")
class LeakyRelu(Activation):
    """x where positive, 0.01 x elsewhere."""

    function = "leaky_relu"
    inplace = True


@register_op("elu")
class Elu(Activation):
    """x where positive, exp(x) - 1 elsewhere (arXiv:1511.07289)."""

    function = "elu"
    inplace = True


@register_op("mish")
class Mish(Activation):
    """x tanh(softplus(x)) (arXiv:1908.08681)."""

    function = "mish"
    inplace = True


@register_op("hardswish")
class Hardswish(Activation):
    """x relu6(x + 3) / 6 (MobileNetV3, arXiv:1905.02244 section 5.2)."""

    function = "hardswish"
    inplace = True


@register_op("hardsigmoid")
class Hardsigmoid(Activation):
    """relu6(x + 3) / 6."""

    function = "hardsigmoid"
    inplace = True


@register_op("sigmoid")
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def call(self) -> Call:
        """Return a call of `torch.sigmoid`."""
        return Call("torch.sigmoid", In(0))


@register_op("tanh")
class Tanh(Activation):
    """Hyperbolic tangent."""

    def call(self) -> Call:
        """Return a call of `torch.tanh`."""
        return Call("torch.tanh", In(0))


@register_op("softmax")
@op_dataclass
class Softmax(Activation):
    """exp(x) over its sum along the channels; with `paths: n` the channels are viewed as (n, C / n) and the sum runs along n.

    The second is the attention over paths of SK (arXiv:1903.06586 eq. 5) and ResNeSt (arXiv:2004.08955 eq. 2): channel c of every path is
    normalised together.
    """

    paths: int = 0  # 0: all channels together

    channelwise = False

    def shape(self, value: Shape) -> Shape:
        """Return `value` unchanged. Raises BlockspaceError (E-GROUPS) when the channels do not divide into `paths`."""
        if self.paths and value[0] % self.paths:
            problem = f"softmax: {value[0]} channels do not divide into {self.paths} paths"
            raise error("E-GROUPS", problem, help=suggest_multiples(value[0], self.paths))
        return value

    def call(self) -> Call:
        """Return a call of `torch.softmax`, over paths or channels."""
        if not self.paths:
            return Call("torch.softmax", In(0), dim=1)
        return Call("torch.flatten", Call("torch.softmax", Call("torch.unflatten", In(0), 1, [self.paths, -1]), 1), 1, 2)

    def label(self) -> str:
        """Return a short text for drawings."""
        return f"softmax over {self.paths} paths" if self.paths else self.name
