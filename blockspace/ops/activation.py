"""Activations: one function each, shape unchanged, no parameters."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.conv import near
from blockspace.ops.op import Call, In, Op, Shape, attributes, register


@attributes
class Activation(Op):
    """A pointwise function of any value; subclasses name it in `torch.nn.functional`, and have no attributes of their own to generate."""

    function = ""
    channelwise = True

    def shape(self, value: Shape) -> Shape:
        return value

    def call(self) -> Call:
        return Call(f"torch.nn.functional.{self.function}", In(0))


@register("relu")
class Relu(Activation):
    """max(0, x)."""

    function = "relu"
    inplace = True


@register("relu6")
class Relu6(Activation):
    """min(max(0, x), 6) (MobileNet)."""

    function = "relu6"
    inplace = True


@register("silu")
class Silu(Activation):
    """x sigmoid(x), also called swish."""

    function = "silu"
    inplace = True


@register("gelu")
class Gelu(Activation):
    """x Phi(x) (arXiv:1606.08415), the exact form."""

    function = "gelu"


@register("leaky_relu")
class LeakyRelu(Activation):
    """x where positive, 0.01 x elsewhere."""

    function = "leaky_relu"
    inplace = True


@register("elu")
class Elu(Activation):
    """x where positive, exp(x) - 1 elsewhere."""

    function = "elu"
    inplace = True


@register("mish")
class Mish(Activation):
    """x tanh(softplus(x)) (arXiv:1908.08681)."""

    function = "mish"
    inplace = True


@register("hardswish")
class Hardswish(Activation):
    """x relu6(x + 3) / 6 (MobileNetV3)."""

    function = "hardswish"
    inplace = True


@register("hardsigmoid")
class Hardsigmoid(Activation):
    """relu6(x + 3) / 6."""

    function = "hardsigmoid"
    inplace = True


@register("sigmoid")
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    def call(self) -> Call:
        return Call("torch.sigmoid", In(0))


@register("tanh")
class Tanh(Activation):
    """Hyperbolic tangent."""

    def call(self) -> Call:
        return Call("torch.tanh", In(0))


@register("softmax")
@attributes
class Softmax(Activation):
    """exp(x) over its sum along the channels; with `paths: n` over n values that stand one after the other: (B, n, C / n, ...), along n.

    That is the attention over paths of SK (arXiv:1903.06586 eq. 5) and ResNeSt (arXiv:2004.08955 eq. 2): channel c of every path together.
    """

    paths: int = 0  # 0: every channel is one

    def shape(self, value: Shape) -> Shape:
        if self.paths and value[0] % self.paths:
            raise error("E-GROUPS", f"softmax: {value[0]} channels do not divide into {self.paths} paths", help=near(value[0], self.paths))
        return value

    channelwise = False

    def call(self) -> Call:
        if not self.paths:
            return Call("torch.softmax", In(0), dim=1)
        return Call("torch.flatten", Call("torch.softmax", Call("torch.unflatten", In(0), 1, [self.paths, -1]), 1), 1, 2)

    def label(self) -> str:
        return f"softmax over {self.paths} paths" if self.paths else self.name
