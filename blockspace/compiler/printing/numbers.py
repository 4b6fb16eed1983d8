"""The numbers inside a torch call: where they stand, what they are called, and the call without them.

Two blocks share a class when their calls without numbers are the same; the numbers that differ become constructor arguments.
"""

from __future__ import annotations

from collections.abc import Callable

from blockspace.compiler.printing.layout import Expr, Ref, called, flat, infix, listed, text
from blockspace.compiler.printing.layout import guarded as in_parentheses
from blockspace.ops import INPUTS, Call, In, Weight

Slot = tuple  # the way to a number inside a call: ("kw", "stride"), ("arg", 2), ("arg", 1, "arg", 1, "start")

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


def is_number(value: object) -> bool:
    """A number, or a tuple of numbers, which counts as one (`kernel_size=(1, 7)`)."""
    if isinstance(value, tuple):
        return bool(value) and all(is_number(v) for v in value)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def parts(call: Call) -> list[tuple[Slot, object]]:
    """Every argument with its slot, slices and tuples opened up."""
    found = [(("arg", i), value) for i, value in enumerate(call.args)] + [(("kw", key), value) for key, value in call.kwargs.items()]
    return [entry for slot, value in found for entry in opened(slot, value)]


def opened(slot: Slot, value: object) -> list[tuple[Slot, object]]:
    if isinstance(value, Call):
        return [((*slot, *inner), v) for inner, v in parts(value)]
    if isinstance(value, slice):
        return [((*slot, end), getattr(value, end)) for end in ("start", "stop", "step")]
    if isinstance(value, Weight):
        return [((*slot, "name"), value.name), *opened((*slot, "shape"), list(value.shape)), ((*slot, "fill"), value.fill)]
    if isinstance(value, (tuple, list)) and not is_number(value):
        return [entry for i, v in enumerate(value) for entry in opened((*slot, i), v)]
    return [(slot, value)]


def numbers(call: Call) -> dict[Slot, object]:
    """Slot -> number."""
    return {slot: value for slot, value in parts(call) if is_number(value)}


def outline(call: Call) -> tuple:
    """The call without its numbers, as something that can be compared and hashed."""
    kept = ((slot, value) for slot, value in parts(call) if not (is_number(value) and slot[0] == "kw" and slot[1] in DEFAULTS))
    return (*targets(call), *((slot, "number" if is_number(value) else repr(value)) for slot, value in sorted(kept, key=repr)))


def targets(call: Call) -> list[str]:
    """The call's target and those of the calls inside it."""
    inner = [a for a in (*call.args, *call.kwargs.values()) if isinstance(a, Call)]
    return [call.target, *(t for a in inner for t in targets(a))]


def filled(call: Call, keys: set[str]) -> Call:
    """The call with the keyword numbers of `keys` written out, in torch's order, so that all of a class have the same slots."""
    kwargs = {key: call.kwargs.get(key, default) for key, default in DEFAULTS.items() if key in keys or key in call.kwargs}
    return Call(call.target, *call.args, **kwargs, **{k: v for k, v in call.kwargs.items() if k not in kwargs})


def role(call: Call, slot: Slot) -> str:
    """What a number is in torch's words: `out_channels`, `stride`, `cut` for the end of a slice."""
    if slot[0] == "kw":
        return slot[1]
    inner = call.args[slot[1]]
    if isinstance(inner, Call):
        return role(inner, slot[2:])
    if isinstance(inner, Weight):
        return "channels" if slot[2] == "shape" else slot[2]
    known = ROLES.get(call.target, ())
    return (known[slot[1]] if slot[1] < len(known) else "") or "value"


def weights(call: Call, number: Callable[[Slot], Expr]) -> Expr:
    """The weights of a function as one part: `Weights(weight=torch.ones(64))`."""
    return called("Weights", **{weight.name: tensor(weight, slot, number) for slot, weight in owned(call)})


def owned(call: Call, slot: Slot = ()) -> list[tuple[Slot, Weight]]:
    """The weights in a call with their slots, in the order of `call.weights`."""
    found = []
    for place, value in [(("arg", i), v) for i, v in enumerate(call.args)] + [(("kw", key), v) for key, v in call.kwargs.items()]:
        if isinstance(value, Weight):
            found.append(((*slot, *place), value))
        elif isinstance(value, Call):
            found += owned(value, (*slot, *place))
    return found


def tensor(weight: Weight, slot: Slot, number: Callable[[Slot], Expr]) -> Expr:
    """`torch.zeros(64)`, `torch.full((64, 1, 1), 1e-06)`."""
    sizes = [number((*slot, "shape", i)) for i in range(len(weight.shape))]
    fill = number((*slot, "fill"))
    if fill.head in ("0.0", "1.0"):
        return called("torch.zeros" if fill.head == "0.0" else "torch.ones", *sizes)
    shape = Expr("(", tuple(("", size) for size in sizes), ")" if len(sizes) > 1 else ",)")
    return called("torch.full", shape, fill)


def printed(call: Call, inputs: list[Expr | Ref], number: Callable[[Slot], Expr], slot: Slot = (), owner: str = "") -> Expr | Ref:
    """The call as Python: `F.relu(x)`, `a + b`, `x[:, :14]`, `nn.Conv2d(3, 64, 7)`; numbers as `number` says for their slot.

    Weights are attributes of `owner`.
    """

    def argument(value: object, at: Slot) -> Expr | Ref:
        if isinstance(value, In):
            return inputs[value.index]
        if value is INPUTS:
            return listed(inputs)
        if is_number(value):
            return number(at)
        if isinstance(value, Weight):
            return text(f"{owner}.{value.name}")
        if isinstance(value, list):
            return listed([argument(v, (*at, i)) for i, v in enumerate(value)])
        return printed(value, inputs, number, at, owner) if isinstance(value, Call) else text(value)

    places = [(*slot, "arg", i) for i in range(len(call.args))]
    if call.target == "operator.getitem":
        return indexed(argument(call.args[0], places[0]), call.args[1], places[1], number)
    args = [argument(a, at) for a, at in zip(call.args, places)]
    if call.target in METHODS:
        return method(short(call.target).removeprefix("torch."), *args)
    if call.target in INFIX:
        return infix(INFIX[call.target], *args)
    kwargs = {key: argument(value, (*slot, "kw", key)) for key, value in call.kwargs.items()}
    return called(short(call.target), *args, **kwargs)


def method(name: str, value: Expr | Ref, *args: Expr | Ref) -> Expr:
    """`value.movedim(1, -1)`."""
    return Expr("", (("", in_parentheses(value, 3)),), "." + flat(called(name, *args), {}), sep="")


def indexed(value: Expr | Ref, index: object, at: Slot, number: Callable[[Slot], Expr]) -> Expr:
    """`value[:, 14:28]`."""
    places = index if isinstance(index, tuple) else (index,)

    def end(place: slice, slot: Slot, which: str) -> str:
        given = getattr(place, which)
        shown = "" if given is None else number((*slot, which)).head
        return "" if which == "start" and shown == "0" else shown

    def one(place: object, slot: Slot) -> str:
        if not isinstance(place, slice):
            return number(slot).head if is_number(place) else repr(place)
        ends = f"{end(place, slot, 'start')}:{end(place, slot, 'stop')}"
        return ends if place.step is None else f"{ends}:{end(place, slot, 'step')}"

    inside = ", ".join(one(place, (*at, i) if isinstance(index, tuple) else at) for i, place in enumerate(places))
    return Expr("", (("", in_parentheses(value, 3)),), f"[{inside}]", sep="")


def short(target: str) -> str:
    """torch.nn.functional.relu -> F.relu, torch.nn.Conv2d -> nn.Conv2d."""
    for long, name in (("torch.nn.functional.", "F."), ("torch.nn.", "nn.")):
        if target.startswith(long):
            return name + target[len(long) :]
    return target
