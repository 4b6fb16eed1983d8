"""Define Op, an operator of the graph; Call, its torch call; and the registry of all operators.

An op is a frozen dataclass. That one class holds its output shape, its params, macs, acts and bytes, the window it reads, and its torch
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
REDUCE = "functools.reduce"


@dataclass(frozen=True)
class Function:
    """A function of two values by its target, as an argument of `functools.reduce`, inside a Call."""

    target: str


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
    `functools.reduce(Function(...), INPUTS)` applies a function of two values to all inputs, from the first on.
    """

    def __init__(self, target: str, *args: Any, **kwargs: Any):
        self.target, self.args, self.kwargs = target, args, kwargs

    @property
    def is_layer(self) -> bool:
        """Return whether this is a module with parameters, buffers or a train/eval difference, rather than a function."""
        head, _, name = self.target.rpartition(".")
        return head == "torch.nn" and name[:1].isupper()

    @property
    def folded(self) -> str | None:
        """Return the target of the function that is applied to all inputs one after the other; None of any other call."""
        return self.args[0].target if self.target == REDUCE and isinstance(self.args[0], Function) else None

    @property
    def weights(self) -> list[Weight]:
        """Return the parameters among the arguments of a function, those of inner calls included."""
        weights: list[Weight] = []
        for argument in (*self.args, *self.kwargs.values()):
            if isinstance(argument, Weight):
                weights.append(argument)
            elif isinstance(argument, Call):
                weights += argument.weights
        return weights

    @property
    def is_attribute(self) -> bool:
        """Return whether the node is an attribute of the module: a layer, or a function with weights."""
        return self.is_layer or bool(self.weights)

    def __repr__(self) -> str:
        inner = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self.target}({', '.join(inner)})"


OPS: dict[str, type[Op]] = {}
O = TypeVar("O", bound="Op")


def register_op(name: str) -> Callable[[type[O]], type[O]]:
    """Return a class decorator that registers an op; `name` is its word in the grammar, in JSON and in the docs.

    Raises TypeError for a name taken twice and for an op without a shape rule.
    """

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
    """The positions of a map that one output position reads: `kernel` of them, `dilation` apart, moved by `stride`; pairs are `(H, W)`."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def reach(self) -> Pair:
        """Return the positions from the first that is read to the last, both included, as `(H, W)`."""
        (height, width), (down, right) = self.kernel, self.dilation
        return down * (height - 1) + 1, right * (width - 1) + 1


POINT = Window((1, 1))


@dataclass_transform(frozen_default=True, eq_default=False)
def op_dataclass(cls: type[T]) -> type[T]:
    """Return an op class as a frozen dataclass.

    `__repr__` and `__eq__` are written once, in `Op`: generating them for each of some thirty classes would take a third of the time that
    `blockspace show` needs to start.
    """
    return dataclass(frozen=True, repr=False, eq=False)(cls)


@op_dataclass
class Op:
    """One operator. Subclasses add attributes, `shape` and `call`; the rest has defaults.

    Class attributes: `kind` of its nodes; `arity`, how many inputs (None: two or more); `commutes`, whether the order of its inputs is
    free; `from_input`, the attributes that come from the input's shape and cannot be set in YAML; `inplace`, whether the torch function
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
        """Return the op for inputs of these shapes, with the attributes of `from_input` filled in."""
        return cls(**cls.infer_attributes(*shapes), **settings)

    @classmethod
    def infer_attributes(cls, *shapes: Shape) -> dict[str, Any]:
        """Return the values of `from_input` for these input shapes; by default all are the input's channels."""
        return {key: shapes[0][0] for key in cls.from_input}

    @classmethod
    def settings(cls) -> dict[str, tuple[str, object]]:
        """Return what YAML may set, in order: name -> (type, default; MISSING when required). The first is the main argument."""
        return {f.name: (str(f.type), f.default) for f in fields(cls) if f.name not in cls.from_input}

    @classmethod
    def required(cls) -> list[str]:
        """Return the names of the settings without a default."""
        return [key for key, (_, default) in cls.settings().items() if default is MISSING]

    def shape(self, *inputs: Any, **names: Any) -> Shape:
        """Return the output shape for these input shapes, as many as `arity` says. Every registered op has its own rule.

        Raises BlockspaceError (E-SHAPE, E-GROUPS, E-SPLIT) when they do not fit.
        """
        raise TypeError(f"{type(self).__qualname__} has no shape rule")

    def params(self) -> int:
        """Return the number of trainable elements."""
        return 0

    def tensors(self) -> dict[str, Shape]:
        """Return the shapes of the parameters and buffers by their names in the state_dict."""
        call = self.call()
        return {weight.name: weight.shape for weight in call.weights} if call else {}

    def macs(self, output: Shape) -> int:
        """Return the multiply-accumulates of convolution and linear at batch 1, for an output of this shape."""
        return 0

    def acts(self, output: Shape) -> int:
        """Return the elements written by convolution and linear at batch 1 (the activations of pycls, arXiv:2003.13678 section 3)."""
        return 0

    def weights(self) -> int:
        """Return the number of elements of parameters and buffers that are read in eval mode."""
        return self.params()

    def results(self, inputs: list[Shape], output: Shape) -> list[Shape]:
        """Return the shapes of the values that the torch call makes, in order; the last is the output."""
        return [output]

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        """Return the bytes read and written: inputs, weights and output in float32 at batch 1; 0 for views.

        This is the memory access cost of ShuffleNetV2, arXiv:1807.11164 section 2.
        """
        if self.view:
            return 0
        return FLOAT * (sum(map(count_elements, inputs)) + self.weights() + count_elements(output))

    def scratch(self, output: Shape) -> int:
        """Return the bytes that torch allocates beside the output in eval mode and frees when the call returns."""
        return 0

    def window(self, value: Shape) -> Window | None:
        """Return the positions of a map of this shape that one output position reads, by default its own; None: all of them."""
        return POINT

    def call(self) -> Call | None:
        """Return the torch call; None when the value passes through untouched."""
        return None

    def label(self) -> str:
        """Return a short text for drawings."""
        return self.name

    def word(self) -> str:
        """Return the operation as YAML writes it; with its kernel where it has one."""
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """Return the name as `op`, and the attributes; `op_from_dict` restores it."""
        return {"op": self.name, **{f.name: getattr(self, f.name) for f in fields(self)}}


def op_from_dict(data: dict[str, Any]) -> Op:
    """Return the op that `as_dict` described; lists become tuples. Raises BlockspaceError (E-OP) for an unknown op."""
    data = dict(data)
    name = data.pop("op")
    if name not in OPS:
        raise error("E-OP", f"unknown op {name!r} in a saved graph", help=f"known: {', '.join(sorted(OPS))}")
    return OPS[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in data.items()})


def count_elements(shape: Shape) -> int:
    """Return how many numbers a value of this shape holds, at batch 1."""
    total = 1
    for size in shape:
        total *= size
    return total


def require_spatial(op: str, shape: Shape) -> Shape:
    """Return the shape itself. Raises BlockspaceError (E-SHAPE) unless it is `(C, H, W)`."""
    if len(shape) != 3:
        raise error("E-SHAPE", f"{op} needs a (C, H, W) value, got {format_shape(shape)}", help="use it before `flatten` and `linear`")
    return shape


def format_shape(shape: Shape) -> str:
    """Return a shape as text: 256x56x56; 256 for a flat value."""
    return "x".join(str(s) for s in shape)


def count_window_positions(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False) -> int:
    """Return the output size of a sliding window, as torch rounds it: ceil mode drops a last window that starts in the right padding."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return span // stride + 1
    out = -(-span // stride) + 1
    return out - 1 if (out - 1) * stride >= size + padding else out
