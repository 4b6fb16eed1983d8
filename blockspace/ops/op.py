"""Op: one operator of the graph; Call: what it is in torch; and the registry of all of them.

An op is a frozen dataclass. In that one class stand its output shape, its params, macs, acts and bytes, the window it reads, and its torch
call; torch itself is not imported. Shapes are `(C, H, W)`, or `(C,)` once flattened; the batch is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from blockspace.errors import error

Shape = tuple[int, ...]
Pair = tuple[int, int]
T = TypeVar("T")
FLOAT = 4  # bytes of one number, float32


@dataclass(frozen=True)
class In:
    """The value in argument slot `index`, inside a Call."""

    index: int = 0


class AllInputs:
    """Every input as one list (torch.cat, torch.stack), inside a Call."""

    def __repr__(self) -> str:
        return "INPUTS"


INPUTS = AllInputs()


@dataclass(frozen=True)
class Weight:
    """A parameter that the node owns, as an argument of a function: `<node>.<name>` in state_dict, every element `fill` at first."""

    name: str
    shape: Shape
    fill: float


class Call:
    """One torch call: `torch.nn.Conv2d(3, 64, ...)` as a layer, or `torch.cat([...], 1)` as a function.

    Resolved by the compiler it is the module; printed it is the source. Arguments are plain values, lists of them, slices, `In(i)`,
    `INPUTS`, a `Weight`, or calls of functions. A layer is constructed from the arguments and then applied to the node's inputs in order.
    """

    def __init__(self, target: str, *args: Any, **kwargs: Any):
        self.target, self.args, self.kwargs = target, args, kwargs

    @property
    def is_layer(self) -> bool:
        """A module with parameters, buffers or a train/eval difference, rather than a function."""
        head, _, name = self.target.rpartition(".")
        return head == "torch.nn" and name[:1].isupper()

    @property
    def weights(self) -> list[Weight]:
        """The parameters among the arguments of a function, those of inner calls included."""
        found: list[Weight] = []
        for argument in (*self.args, *self.kwargs.values()):
            if isinstance(argument, Weight):
                found.append(argument)
            elif isinstance(argument, Call):
                found += argument.weights
        return found

    @property
    def is_attribute(self) -> bool:
        """Whether the node has a place of its own in the module: a layer, or the weights of a function."""
        return self.is_layer or bool(self.weights)

    def __repr__(self) -> str:
        inner = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self.target}({', '.join(inner)})"


OPS: dict[str, type[Op]] = {}
O = TypeVar("O", bound="Op")


def register(name: str) -> Callable[[type[O]], type[O]]:
    """Class decorator: `name` is the op's word in the grammar, in JSON and in the docs. A duplicate or an op without a shape is refused."""

    def add(cls: type[O]) -> type[O]:
        if name in OPS:
            raise TypeError(f"op {name!r} is registered twice: {OPS[name].__qualname__} and {cls.__qualname__}")
        if cls.shape is Op.shape:
            raise TypeError(f"op {name!r} ({cls.__qualname__}) has no shape rule")
        cls.name = name
        OPS[name] = cls
        return cls

    return add


class Window(NamedTuple):
    """What one output position reads of a map: `kernel` positions, `dilation` apart, that move on by `stride`; each is `(H, W)`."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def reach(self) -> Pair:
        """Positions from the first that is read to the last, both included."""
        (height, width), (down, right) = self.kernel, self.dilation
        return down * (height - 1) + 1, right * (width - 1) + 1


POINT = Window((1, 1))


@dataclass_transform(frozen_default=True, eq_default=False)
def attributes(cls: type[T]) -> type[T]:
    """An op's class decorator: a frozen dataclass.

    Its text and equality are written once, in `Op`: generating them for each of some thirty classes would take a third of the time that
    `blockspace show` needs to start.
    """
    return dataclass(frozen=True, repr=False, eq=False)(cls)


@attributes
class Op:
    """One operator. Subclasses add attributes, `shape` and `call`; the rest has defaults.

    Class attributes: `kind` of its nodes; `arity`, how many inputs (None: two or more); `commutes`, whether the order of its inputs is
    free; `from_input`, the attributes that come from the input's shape and are no settings in YAML; `inplace`, whether the torch function
    takes `inplace=True`; `view`, whether the output is the input's own memory (a slice, a flatten; dropout in eval) and nothing moves;
    `fresh`, whether the output is new memory that the op's own backward does not read, so that a following op may overwrite it;
    `everywhere`, whether each output also depends on all positions of the input (statistics over the whole map); `channelwise`, whether it
    does the same to each channel by itself, so that it may move through concat and slice (its tensors then have one number per channel).
    """

    name: ClassVar[str] = ""
    kind: ClassVar[str] = "transform"
    arity: ClassVar[int | None] = 1
    commutes = False
    from_input: ClassVar[tuple[str, ...]] = ()
    inplace = False
    view = False
    fresh = False
    everywhere = False
    channelwise = False
    step = True  # written as a step of its own in YAML; convolutions, splits and inputs have their own words

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    @classmethod
    def make(cls, *shapes: Shape, **settings: Any) -> Op:
        """The op for inputs of these shapes: what `from_input` names is filled in."""
        return cls(**cls.given(*shapes), **settings)

    @classmethod
    def given(cls, *shapes: Shape) -> dict[str, Any]:
        """The values of `from_input` for these input shapes; by default all are the input's channels."""
        return {key: shapes[0][0] for key in cls.from_input}

    @classmethod
    def settings(cls) -> dict[str, tuple[str, object]]:
        """What YAML may set: name -> (type, default; MISSING when it must be given), in order. The first is the main argument."""
        return {f.name: (str(f.type), f.default) for f in fields(cls) if f.name not in cls.from_input}

    @classmethod
    def required(cls) -> list[str]:
        return [key for key, (_, default) in cls.settings().items() if default is MISSING]

    def shape(self, *inputs: Any, **names: Any) -> Shape:
        """Output shape for these input shapes; raises BlockspaceError (E-SHAPE, E-GROUPS, E-SPLIT) when they do not fit.

        Every registered op has its own, for as many inputs as its `arity` says: `register` refuses one that does not.
        """
        raise TypeError(f"{type(self).__qualname__} has no shape rule")

    def params(self) -> int:
        """Trainable elements."""
        return 0

    def tensors(self) -> dict[str, Shape]:
        """Shapes of the parameters and buffers by their names in the state_dict."""
        call = self.call()
        return {weight.name: weight.shape for weight in call.weights} if call else {}

    def macs(self, output: Shape) -> int:
        """Multiply-accumulates of convolution and linear at batch 1."""
        return 0

    def acts(self, output: Shape) -> int:
        """Elements written by convolution and linear (pycls' activations)."""
        return 0

    def weights(self) -> int:
        """Elements of parameters and buffers read in eval mode."""
        return self.params()

    def results(self, inputs: list[Shape], output: Shape) -> list[Shape]:
        """Shapes of the values that the torch call makes, one after the other; the last is the output."""
        return [output]

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        """Memory access cost (ShuffleNetV2, arXiv:1807.11164 section 2): inputs and weights read, output written, in float32; views: 0."""
        if self.view:
            return 0
        return FLOAT * (sum(map(elements, inputs)) + self.weights() + elements(output))

    def scratch(self, output: Shape) -> int:
        """Bytes torch allocates beside the output in eval mode and frees when the call returns."""
        return 0

    def window(self, value: Shape) -> Window | None:
        """The positions of a map of this shape that one output position reads, by default its own; None: all of them."""
        return POINT

    def call(self) -> Call | None:
        """The torch call; None: the value passes through untouched."""
        return None

    def label(self) -> str:
        """A short text for drawings."""
        return self.name

    def as_dict(self) -> dict[str, Any]:
        return {"op": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}


def from_dict(data: dict[str, Any]) -> Op:
    """The op that `as_dict` described; lists become tuples."""
    data = dict(data)
    name = data.pop("op")
    if name not in OPS:
        raise error("E-OP", f"unknown op {name!r} in a saved graph", help=f"known: {', '.join(sorted(OPS))}")
    return OPS[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})


def elements(shape: Shape) -> int:
    """How many numbers a value of this shape holds, at batch 1."""
    total = 1
    for size in shape:
        total *= size
    return total


def spatial(op: str, shape: Shape) -> Shape:
    """`shape` itself, when it is `(C, H, W)`; else E-SHAPE."""
    if len(shape) != 3:
        raise error("E-SHAPE", f"{op} needs a (C, H, W) value, got {show(shape)}", help="use it before `flatten` and `linear`")
    return shape


def show(shape: Shape) -> str:
    """256x56x56; a flat value is just its channels."""
    return "x".join(str(s) for s in shape)


def window(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False) -> int:
    """Output size of a sliding window, as torch rounds it: ceil mode drops a last window that starts in the right padding."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return span // stride + 1
    out = -(-span // stride) + 1
    return out - 1 if (out - 1) * stride >= size + padding else out
