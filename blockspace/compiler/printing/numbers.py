"""The numbers inside a torch call: where they stand, what they are called, and the call without them.

Two blocks share a class when their calls without numbers are the same; the numbers that differ become constructor arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blockspace.compiler.printing.layout import (
    Code,
    CodeExpr,
    call_expr,
    flat_text,
    infix_expr,
    list_expr,
    parenthesize as in_parentheses,
    text_expr,
)
from blockspace.ops import INPUTS, Call, Function, In, Weight

Slot = tuple[Any, ...]  # of str and int: the way to a number inside a call: ("kw", "stride"), ("arg", 2), ("arg", 1, "arg", 1, "start")

# Keyword arguments with a number that a call may leave out, in torch's order, and what torch then takes.
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "eps": 1e-5, "momentum": 0.1}

ROLES = {
    "torch.nn.Conv2d": ("in_channels", "out_channels", "kernel_size"),
    "torch.nn.Linear": ("in_features", "out_features"),
    "torch.nn.BatchNorm2d": ("channels",),
    "torch.nn.GroupNorm": ("groups", "channels"),
    "torch.nn.Dropout": ("p",),
    "torch.nn.Dropout3d": ("p",),
    "torch.nn.functional.layer_norm": ("", "channels", "", "", "eps"),
    "torch.unflatten": ("", "", "paths"),
    "torch.nn.functional.max_pool2d": ("", "kernel_size"),
    "torch.nn.functional.avg_pool2d": ("", "kernel_size"),
    "torch.nn.functional.adaptive_avg_pool2d": ("", "size"),
    "torch.nn.functional.channel_shuffle": ("", "groups"),
    "torch.nn.functional.pad": ("", "pad"),
    "operator.mul": ("scale", "scale"),
    "operator.getitem": ("", "cut"),
}
CHANNELS = {"in_channels", "out_channels", "channels", "in_features", "out_features", "groups", "cut", "width"}
METHODS = {"torch.movedim", "torch.transpose", "torch.unflatten"}  # read better behind the value that they turn
INFIX = {"operator.add": "+", "operator.sub": "-", "operator.mul": "*", "operator.truediv": "/"}


def holds_number(value: object) -> bool:
    """Return a number, or a tuple of numbers, which counts as one (`kernel_size=(1, 7)`)."""
    if isinstance(value, tuple):
        return bool(value) and all(holds_number(v) for v in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def call_arguments(call: Call) -> list[tuple[Slot, object]]:
    """Return every argument with its slot, slices and tuples opened up."""
    found = [(("arg", i), value) for i, value in enumerate(call.args)] + [(("kw", key), value) for key, value in call.kwargs.items()]
    return [entry for slot, value in found for entry in open_argument(slot, value)]


def open_argument(slot: Slot, value: object) -> list[tuple[Slot, object]]:
    """Return the arguments inside an argument, each with its slot."""
    if isinstance(value, Call):
        return [((*slot, *inner), v) for inner, v in call_arguments(value)]
    if isinstance(value, slice):
        return [((*slot, end), getattr(value, end)) for end in ("start", "stop", "step")]
    if isinstance(value, Weight):
        return [((*slot, "name"), value.name), *open_argument((*slot, "shape"), list(value.shape)), ((*slot, "fill"), value.fill)]
    if isinstance(value, (tuple, list)) and not holds_number(value):
        return [entry for i, v in enumerate(value) for entry in open_argument((*slot, i), v)]
    return [(slot, value)]


def call_numbers(call: Call) -> dict[Slot, object]:
    """Return the numbers of a call by slot."""
    return {slot: value for slot, value in call_arguments(call) if holds_number(value)}


def outline_call(call: Call) -> tuple[object, ...]:
    """Return the call without its numbers, as something that can be compared and hashed."""
    kept = ((slot, value) for slot, value in call_arguments(call) if not (holds_number(value) and slot[0] == "kw" and slot[1] in DEFAULTS))
    return (*call_targets(call), *((slot, "number" if holds_number(value) else repr(value)) for slot, value in sorted(kept, key=repr)))


def call_targets(call: Call) -> list[str]:
    """Return the call's target and those of the calls inside it."""
    inner = [a for a in (*call.args, *call.kwargs.values()) if isinstance(a, Call)]
    return [call.target, *(t for a in inner for t in call_targets(a))]


def fill_defaults(call: Call, keys: set[str]) -> Call:
    """Return the call with the keyword numbers of `keys` written out, in torch's order, so that all of a class have the same slots."""
    kwargs = {key: call.kwargs.get(key, default) for key, default in DEFAULTS.items() if key in keys or key in call.kwargs}
    return Call(call.target, *call.args, **kwargs, **{k: v for k, v in call.kwargs.items() if k not in kwargs})


def number_role(call: Call, slot: Slot) -> str:
    """Return what a number is called in torch: `out_channels`, `stride`, `cut` for the end of a slice."""
    if slot[0] == "kw":
        return str(slot[1])
    inner = call.args[slot[1]]
    if isinstance(inner, Call):
        return number_role(inner, slot[2:])
    if isinstance(inner, Weight):
        return "channels" if slot[2] == "shape" else str(slot[2])
    known = ROLES.get(call.target, ())
    return (known[slot[1]] if slot[1] < len(known) else "") or "value"


def weights_expr(call: Call, number: Callable[[Slot], CodeExpr]) -> CodeExpr:
    """Return the weights of a function as one part: `Weights(weight=torch.ones(64))`."""
    return call_expr("Weights", **{weight.name: tensor_expr(weight, slot, number) for slot, weight in owned_weights(call)})


def owned_weights(call: Call, slot: Slot = ()) -> list[tuple[Slot, Weight]]:
    """Return the weights in a call with their slots, in the order of `call.weights`."""
    found = []
    for place, value in [(("arg", i), v) for i, v in enumerate(call.args)] + [(("kw", key), v) for key, v in call.kwargs.items()]:
        if isinstance(value, Weight):
            found.append(((*slot, *place), value))
        elif isinstance(value, Call):
            found += owned_weights(value, (*slot, *place))
    return found


def tensor_expr(weight: Weight, slot: Slot, number: Callable[[Slot], CodeExpr]) -> CodeExpr:
    """Return `torch.zeros(64)` or `torch.full((64, 1, 1), 1e-06)`."""
    sizes = [number((*slot, "shape", i)) for i in range(len(weight.shape))]
    fill = number((*slot, "fill"))
    if fill.head in ("0.0", "1.0"):
        return call_expr("torch.zeros" if fill.head == "0.0" else "torch.ones", *sizes)
    shape = CodeExpr("(", tuple(("", size) for size in sizes), ")" if len(sizes) > 1 else ",)")
    return call_expr("torch.full", shape, fill)


def print_call(call: Call, inputs: list[Code], number: Callable[[Slot], CodeExpr], slot: Slot = (), owner: str = "") -> Code:
    """Return the call as Python: `F.relu(x)`, `a + b`, `x[:, :14]`, `nn.Conv2d(3, 64, 7)`; numbers as `number` says for their slot.

    Weights are attributes of `owner`.
    """

    def argument(value: object, at: Slot) -> Code:
        if isinstance(value, In):
            return inputs[value.index]
        if value is INPUTS:
            return list_expr(inputs)
        if isinstance(value, Function):
            return text_expr(value.target.replace("operator.", "torch."))
        if holds_number(value):
            return number(at)
        if isinstance(value, Weight):
            return text_expr(f"{owner}.{value.name}")
        if isinstance(value, list):
            return list_expr([argument(v, (*at, i)) for i, v in enumerate(value)])
        return print_call(value, inputs, number, at, owner) if isinstance(value, Call) else text_expr(value)

    places = [(*slot, "arg", i) for i in range(len(call.args))]
    if call.target == "operator.getitem":
        return index_expr(argument(call.args[0], places[0]), call.args[1], places[1], number)
    args = [argument(a, at) for a, at in zip(call.args, places)]
    if call.target in METHODS:
        return method_expr(short_target(call.target).removeprefix("torch."), *args)
    if call.target in INFIX:
        return infix_expr(INFIX[call.target], *args)
    kwargs = {key: argument(value, (*slot, "kw", key)) for key, value in call.kwargs.items()}
    return call_expr(short_target(call.target), *args, **kwargs)


def method_expr(name: str, value: Code, *args: Code) -> CodeExpr:
    """Return `value.movedim(1, -1)`."""
    return CodeExpr("", (("", in_parentheses(value, 3)),), "." + flat_text(call_expr(name, *args), {}), sep="")


def index_expr(value: Code, index: object, at: Slot, number: Callable[[Slot], CodeExpr]) -> CodeExpr:
    """Return `value[:, 14:28]`."""
    places = index if isinstance(index, tuple) else (index,)

    def end(place: slice, slot: Slot, which: str) -> str:
        given = getattr(place, which)
        shown = "" if given is None else number((*slot, which)).head
        return "" if which == "start" and shown == "0" else shown

    def one(place: object, slot: Slot) -> str:
        if not isinstance(place, slice):
            return number(slot).head if holds_number(place) else repr(place)
        ends = f"{end(place, slot, 'start')}:{end(place, slot, 'stop')}"
        return ends if place.step is None else f"{ends}:{end(place, slot, 'step')}"

    inside = ", ".join(one(place, (*at, i) if isinstance(index, tuple) else at) for i, place in enumerate(places))
    return CodeExpr("", (("", in_parentheses(value, 3)),), f"[{inside}]", sep="")


def short_target(target: str) -> str:
    """Return the name as imported: torch.nn.functional.relu -> F.relu, torch.nn.Conv2d -> nn.Conv2d."""
    for long, name in (("torch.nn.functional.", "F."), ("torch.nn.", "nn."), ("functools.", "")):
        if target.startswith(long):
            return name + target[len(long) :]
    return target
