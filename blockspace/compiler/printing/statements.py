"""The body of `forward`: which values get a variable, what the variables are called, and the lines.

A value read once is written inside its reader, as `F.relu(self.conv1(x), inplace=True)`, unless a layer would stand inside a layer or the
line grows long. A chain keeps its variable (`x = ...(x)`); a branch takes the name of its container.
"""

from __future__ import annotations

import builtins
import keyword

from blockspace.compiler.printing.classes import Class, Column
from blockspace.compiler.printing.instances import Instance, Item, in_rows, readers
from blockspace.compiler.printing.layout import WIDTH, Expr, Ref, called, flat, lines, refs
from blockspace.compiler.printing.numbers import printed

LONG = WIDTH - 24  # a nested expression longer than this gets a variable for what is inside it
SHORT = 40  # a branch no longer than this is written inside its merge

Statement = tuple[str, Expr | Ref]  # a value and its expression


def forward_lines(one: Class, part: Instance | None = None) -> tuple[list[str], set[str]]:
    """The statements of `forward`, or of one part of it, indented by 8, and the names of the numbers they read from `self`."""
    part = part or one.example
    items = in_rows(part, one.example)
    stored: set[str] = set()
    statements, result = sentences(one, items, part.output, stored)
    names = variables(part.input, {item.value: branch(item) for item in part.items}, statements, result)
    rows = [row for value, expr in statements for row in lines(expr, names, 8, f"{names[value]} = ")]
    return [*rows, *lines(result, names, 8, "return ")], stored


def sentences(one: Class, items: list[Item], output: str, stored: set[str]) -> tuple[list[Statement], Expr | Ref]:
    """What gets a variable, in order, and the expression to return."""
    uses = readers(items, output)
    statements: list[Statement] = []
    waiting: dict[str, Expr | Ref] = {}  # read once, so written where it is read
    for item in items:
        fits = [waiting.get(source, Ref(source)) for source in item.inputs]
        inputs = [arg if nests(arg, item) else Ref(source) for source, arg in zip(item.inputs, fits)]
        expr = expression(one, item, inputs, stored)
        if len(flat(expr, {})) > LONG:
            inputs = [arg if is_slice(arg) else Ref(source) for source, arg in zip(item.inputs, inputs)]
            expr = expression(one, item, inputs, stored)
        for source, arg in zip(item.inputs, inputs):
            pending = waiting.pop(source, None)
            if pending is not None and isinstance(arg, Ref):
                statements.append((source, pending))
        if uses[item.value] == 1 and not draws(item):
            waiting[item.value] = expr
        else:
            statements.append((item.value, expr))
    order = {item.value: at for at, item in enumerate(items)}  # branch after branch, as the graph has them
    return sorted(statements, key=lambda made: order[made[0]]), waiting.get(output, Ref(output))


def nests(arg: Expr | Ref, item: Item) -> bool:
    """Whether an input may be written inside the item's call."""
    if isinstance(arg, Ref) or is_slice(arg):
        return True
    if item.is_module:
        return "self." not in heads(arg)
    return len(item.inputs) == 1 or len(flat(arg, {})) <= SHORT


def is_slice(arg: Expr | Ref) -> bool:
    """x[:, 14:28]"""
    return isinstance(arg, Expr) and arg.tail.startswith("[") and isinstance(arg.items[0][1], Ref)


def heads(expr: Expr | Ref) -> str:
    """The calls inside an expression, as one text."""
    return "" if isinstance(expr, Ref) else expr.head + "".join(heads(item) for _, item in expr.items)


def draws(item: Item) -> bool:
    """Whether the item draws random numbers: such calls keep their order, each in a statement of its own."""
    return item.call is not None and "Dropout" in item.call.target


def expression(one: Class, item: Item, inputs: list[Expr | Ref], stored: set[str]) -> Expr | Ref:
    """The item's call as Python."""
    if item.call is None or item.is_module:
        return called(f"self.{item.name}", *inputs)
    index = one.example.number(item.value)

    def number(slot):
        column = one.columns[index, slot]
        if isinstance(column, Column):
            stored.add(column.name or column.times[1].name)
        return one.number(index, slot, "self.")

    return printed(item.call, inputs, number, owner=f"self.{item.name}")


def variables(input: str, places: dict[str, str], statements: list[Statement], result: Expr | Ref) -> dict[str, str]:
    """A variable for each value, used again once its value is no longer read."""
    reads = [set(refs(expr)) for _, expr in statements] + [set(refs(result))]
    last = {value: at for at, values in enumerate(reads) for value in values}
    names = {input: "x"}
    for at, (value, _) in enumerate(statements):
        busy = {name for known, name in names.items() if last.get(known, -1) > at}
        chain = len(reads[at]) == 1 and sum(reads[at] <= other for other in reads) == 1
        if chain:
            names[value] = names[next(iter(reads[at]))]
        elif len(reads[at]) > 1 and "x" not in busy:
            names[value] = "x"
        else:
            names[value] = variable(places[value], busy)
    return names


def branch(item: Item) -> str:
    """What a value is called: the branch its layer stands in (main.part2.conv3x3.norm -> part2), or its own name."""
    *around, name = item.name.split(".")
    if not around or (item.call and item.call.target == "operator.getitem"):
        return name
    return around[-2] if len(around) > 1 else around[0]


def variable(name: str, busy: set[str]) -> str:
    """The name as a variable: no word of Python or of the file's imports, and numbered when it is in use."""
    if name in {"self", "torch", "nn", "F"} or keyword.iskeyword(name) or hasattr(builtins, name):
        name += "_"
    return name if name not in busy else next(n for i in range(2, len(busy) + 3) if (n := f"{name}{i}") not in busy)
