"""Define merges, ops that make one value of several. They never broadcast, except `mul` by a gate."""

from __future__ import annotations

from blockspace.errors import BlockspaceError, error
from blockspace.ops.op import FLOAT, INPUTS, REDUCE, Call, Function, In, Op, Shape, count_elements, format_shape, op_dataclass, register_op

MOST_NESTED = 32  # calls inside calls: Python's own parser takes no more than 200


@op_dataclass
class Merge(Op):
    """One value of two or more; subclasses define how."""

    kind = "merge"
    arity = None
    step = False
    fresh = True

    function = ""

    def call(self, count: int = 2) -> Call:
        """Return a chain of binary calls over `count` inputs, nested as a person writes a few of them; of many, folded."""
        if count > MOST_NESTED:
            return Call(REDUCE, Function(self.function), INPUTS)
        value: Call | In = In(0)
        for i in range(1, count):
            value = Call(self.function, value, In(i))
        return value if isinstance(value, Call) else Call("torch.clone", value)

    def results(self, inputs: list[Shape], output: Shape) -> list[Shape]:
        """Return one shape per call of the chain, each as large as the larger of its two sides in every direction."""
        shapes = [inputs[0]]
        for shape in inputs[1:]:
            shapes.append(tuple(map(max, shapes[-1], shape)))
        return shapes[1:] or shapes

    def bytes(self, inputs: list[Shape], output: Shape) -> int:
        """Return the bytes of the chain of binary calls: intermediate results are written and read again."""
        results = self.results(inputs, output)
        return FLOAT * (sum(map(count_elements, inputs)) + 2 * sum(map(count_elements, results)) - count_elements(output))


def make_mismatch(word: str, shapes: tuple[Shape, ...], names: tuple[str, ...], help: str) -> BlockspaceError:
    """Return an E-SHAPE error that names every input with its channels or size."""
    sizes = {s[1:] for s in shapes}
    what, values = ("channels", [s[0] for s in shapes]) if len(sizes) == 1 else ("sizes", [format_shape(s) for s in shapes])
    if what == "sizes" and word != "mul":
        help = "give every branch the same stride"
    listed = ", ".join(name.format(value) for name, value in zip(names, values))
    return error("E-SHAPE", f"{word} needs equal {what}: {listed}", help=help)


def name_slots(shapes: tuple[Shape, ...]) -> tuple[str, ...]:
    """Return a text for each input, with a place for its value: the names of inputs that have none of their own."""
    return tuple(f"input {i + 1} = {{}}" for i in range(len(shapes)))


@register_op("add")
class Add(Merge):
    """Elementwise sum of values of one shape, n times `(C, H, W) -> (C, H, W)`."""

    commutes = True
    function = "operator.add"

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        """Return the common shape of the inputs. Raises BlockspaceError (E-SHAPE) when shapes differ."""
        if len(set(inputs)) > 1:
            raise make_mismatch("add", inputs, names or name_slots(inputs), "add a conv1x1 on one path, or use 'merge: concat'")
        return inputs[0]


@register_op("max")
class Max(Merge):
    """Elementwise maximum of values of one shape, n times `(C, H, W) -> (C, H, W)`."""

    commutes = True
    function = "torch.maximum"

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        """Return the common shape of the inputs. Raises BlockspaceError (E-SHAPE) when shapes differ."""
        if len(set(inputs)) > 1:
            raise make_mismatch("max", inputs, names or name_slots(inputs), "add a conv1x1 on one path, or use 'merge: concat'")
        return inputs[0]


@register_op("mul")
class Mul(Merge):
    """Elementwise product; one side may be a gate of shape `(C, 1, 1)` or `(1, H, W)` (SE, arXiv:1709.01507)."""

    commutes = True
    function = "operator.mul"

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        """Return the largest shape; gates of (C, 1, 1) or (1, H, W) broadcast. Raises BlockspaceError (E-SHAPE) for other shapes."""
        full = max(inputs, key=lambda s: (len(s), s[1:], s[0]))
        gates = (full, (full[0], 1, 1), (1, *full[1:]))
        if not all(s in gates for s in inputs):
            help = f"a gate for {format_shape(full)} is {format_shape(gates[1])} or {format_shape(gates[2])}"
            raise make_mismatch("mul", inputs, names or name_slots(inputs), help)
        return full


@register_op("concat")
class Concat(Merge):
    """Concatenation along the channels, in the order of the inputs: `(C_i, H, W) -> (sum of C_i, H, W)`."""

    def shape(self, *inputs: Shape, names: tuple[str, ...] = ()) -> Shape:
        """Return (sum of channels, H, W). Raises BlockspaceError (E-SHAPE) when sizes differ."""
        if len({s[1:] for s in inputs}) > 1:
            raise make_mismatch("concat", inputs, names or name_slots(inputs), "give every branch the same stride")
        return (sum(s[0] for s in inputs), *inputs[0][1:])

    def results(self, inputs: list[Shape], output: Shape) -> list[Shape]:
        """Return the output alone: one call concatenates all inputs."""
        return [output]

    def call(self, count: int = 2) -> Call:
        """Return a call of `torch.cat`."""
        return Call("torch.cat", INPUTS, 1)
