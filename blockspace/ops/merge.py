"""The merges: several values become one. They never broadcast, except `mul` by a gate."""

from __future__ import annotations

from blockspace.errors import error
from blockspace.ops.op import FLOAT, INPUTS, Call, In, Op, Shape, attributes, elements, register, show


@attributes
class Merge(Op):
    """Two or more values into one; subclasses say how."""

    kind = "merge"
    arity = None
    step = False
    fresh = True

    function = ""

    def call(self, count: int = 2) -> Call:
        """A chain of binary calls over `count` inputs."""
        value: Call | In = In(0)
        for i in range(1, count):
            value = Call(self.function, value, In(i))
        return value if isinstance(value, Call) else Call("torch.clone", value)

    def results(self, inputs: list[Shape], output: Shape) -> list[Shape]:
        """One value per call of the chain, each as large as the larger of its two sides in every direction."""
        made = [inputs[0]]
        for shape in inputs[1:]:
            made.append(tuple(map(max, made[-1], shape)))
        return made[1:] or made

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        """Of the chain of binary calls: what is in between is written and read again."""
        made = self.results(inputs, output)
        return FLOAT * (sum(map(elements, inputs)) + 2 * sum(map(elements, made)) - elements(output))


def mismatch(word: str, shapes: tuple[Shape, ...], names: tuple[str, ...], help: str):
    """E-SHAPE that names every branch with what it brings."""
    sizes = {s[1:] for s in shapes}
    what, values = ("channels", [s[0] for s in shapes]) if len(sizes) == 1 else ("sizes", [show(s) for s in shapes])
    if what == "sizes" and word != "mul":
        help = "give every branch the same stride"
    listed = ", ".join(name.format(value) for name, value in zip(names, values))
    return error("E-SHAPE", f"{word} needs equal {what}: {listed}", help=help)


def slots(shapes: tuple[Shape, ...]) -> tuple[str, ...]:
    """Texts with a place for the value, for inputs that were given none."""
    return tuple(f"input {i + 1} = {{}}" for i in range(len(shapes)))


@register("add")
class Add(Merge):
    """Elementwise sum of values of one shape."""

    commutes = True
    function = "operator.add"

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        if len(set(inputs)) > 1:
            raise mismatch("add", inputs, names or slots(inputs), "add a conv1x1 on one path, or use 'merge: concat'")
        return inputs[0]


@register("max")
class Max(Merge):
    """Elementwise maximum of values of one shape."""

    commutes = True
    function = "torch.maximum"

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        if len(set(inputs)) > 1:
            raise mismatch("max", inputs, names or slots(inputs), "add a conv1x1 on one path, or use 'merge: concat'")
        return inputs[0]


@register("mul")
class Mul(Merge):
    """Elementwise product; one side may be a gate of shape `(C, 1, 1)` or `(1, H, W)` (SE, arXiv:1709.01507)."""

    commutes = True
    function = "operator.mul"

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        full = max(inputs, key=lambda s: (len(s), s[1:], s[0]))
        gates = (full, (full[0], 1, 1), (1, *full[1:]))
        if not all(s in gates for s in inputs):
            raise mismatch("mul", inputs, names or slots(inputs), f"a gate for {show(full)} is {show(gates[1])} or {show(gates[2])}")
        return full


@register("concat")
class Concat(Merge):
    """Channels one after the other, in the order given."""

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        if len({s[1:] for s in inputs}) > 1:
            raise mismatch("concat", inputs, names or slots(inputs), "give every branch the same stride")
        return (sum(s[0] for s in inputs), *inputs[0][1:])

    def results(self, inputs: list[Shape], output: Shape) -> list[Shape]:
        return [output]

    def call(self, count: int = 2) -> Call:
        return Call("torch.cat", INPUTS, 1)
