"""The body of `forward`: which values get a variable, what the variables are called, and the lines.

A value read once is written inside its reader, as `F.relu(self.conv1(x), inplace=True)`, unless a layer would stand inside a layer or the
line grows long. A chain keeps its variable (`x = ...(x)`); a branch takes the name of its container.
"""

from __future__ import annotations

import builtins
import keyword

from blockspace.compiler.printing.classes import NumberColumn, PrintedClass
from blockspace.compiler.printing.instances import BlockInstance, BlockItem, count_reads, fold_rows
from blockspace.compiler.printing.layout import WIDTH, Code, CodeExpr, ValueRef, call_expr, flat_text, layout_lines, value_refs
from blockspace.compiler.printing.numbers import Slot, print_call

LONG = WIDTH - 24  # a nested expression longer than this gets a variable for what is inside it
SHORT = 40  # a branch no longer than this is written inside its merge

Statement = tuple[str, Code]  # a value and its expression


def print_forward(one: PrintedClass, part: BlockInstance | None = None) -> tuple[list[str], set[str]]:
    """Return the statements of `forward`, or of one part of it, indented by 8, and the names of the numbers they read from `self`."""
    part = part or one.example
    items = fold_rows(part, one.example)
    stored: set[str] = set()
    statements, result = make_statements(one, items, part.output, stored)
    names = assign_variables(part.input, {item.value: branch_name(item) for item in part.items}, statements, result)
    rows = [row for value, expr in statements for row in layout_lines(expr, names, 8, f"{names[value]} = ")]
    return [*rows, *layout_lines(result, names, 8, "return ")], stored


def make_statements(one: PrintedClass, items: list[BlockItem], output: str, stored: set[str]) -> tuple[list[Statement], Code]:
    """Return what gets a variable, in order, and the expression to return."""
    uses = count_reads(items, output)
    statements: list[Statement] = []
    waiting: dict[str, Code] = {}  # read once, so written where it is read
    for item in items:
        fits = [waiting.get(source, ValueRef(source)) for source in item.inputs]
        inputs = [arg if may_nest(arg, item) else ValueRef(source) for source, arg in zip(item.inputs, fits)]
        expr = item_expr(one, item, inputs, stored)
        if len(flat_text(expr, {})) > LONG:
            inputs = [arg if is_slice_expr(arg) else ValueRef(source) for source, arg in zip(item.inputs, inputs)]
            expr = item_expr(one, item, inputs, stored)
        for source, arg in zip(item.inputs, inputs):
            pending = waiting.pop(source, None)
            if pending is not None and isinstance(arg, ValueRef):
                statements.append((source, pending))
        if uses[item.value] == 1 and not draws_random(item):
            waiting[item.value] = expr
        else:
            statements.append((item.value, expr))
    order = {item.value: at for at, item in enumerate(items)}  # branch after branch, as the graph has them
    return sorted(statements, key=lambda made: order[made[0]]), waiting.get(output, ValueRef(output))


def may_nest(arg: Code, item: BlockItem) -> bool:
    """Return whether an input may be written inside the item's call."""
    if isinstance(arg, ValueRef) or is_slice_expr(arg):
        return True
    if item.is_module:
        return "self." not in expr_heads(arg)
    return len(item.inputs) == 1 or len(flat_text(arg, {})) <= SHORT


def is_slice_expr(arg: Code) -> bool:
    """Return whether an expression is a slice of a value, as x[:, 14:28]."""
    return isinstance(arg, CodeExpr) and arg.tail.startswith("[") and isinstance(arg.items[0][1], ValueRef)


def expr_heads(expr: Code) -> str:
    """Return the calls inside an expression, as one text."""
    return "" if isinstance(expr, ValueRef) else expr.head + "".join(expr_heads(item) for _, item in expr.items)


def draws_random(item: BlockItem) -> bool:
    """Return whether the item draws random numbers: such calls keep their order, each in a statement of its own."""
    return item.call is not None and "Dropout" in item.call.target


def item_expr(one: PrintedClass, item: BlockItem, inputs: list[Code], stored: set[str]) -> Code:
    """Return the item's call as Python."""
    if item.call is None or item.is_module:
        return call_expr(f"self.{item.name}", *inputs)
    index = one.example.number(item.value)

    def number(slot: Slot) -> CodeExpr:
        column = one.columns[index, slot]
        if isinstance(column, NumberColumn):
            stored.add(column.stored_name)
        return one.number(index, slot, "self.")

    return print_call(item.call, inputs, number, owner=f"self.{item.name}")


def assign_variables(input: str, places: dict[str, str], statements: list[Statement], result: Code) -> dict[str, str]:
    """Return a variable for each value, used again once its value is no longer read."""
    reads = [set(value_refs(expr)) for _, expr in statements] + [set(value_refs(result))]
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
            names[value] = variable_name(places[value], busy)
    return names


def branch_name(item: BlockItem) -> str:
    """Return a value's name: the branch its layer is in (main.part2.conv3x3.norm -> part2), or its own."""
    *around, name = item.name.split(".")
    if not around or (item.call and item.call.target == "operator.getitem"):
        return name
    return around[-2] if len(around) > 1 else around[0]


def variable_name(name: str, busy: set[str]) -> str:
    """Return the name as a variable: no word of Python or of the file's imports, and numbered when it is in use."""
    if name in {"self", "torch", "nn", "F", "reduce"} or keyword.iskeyword(name) or hasattr(builtins, name):
        name += "_"
    return name if name not in busy else next(n for i in range(2, len(busy) + 3) if (n := f"{name}{i}") not in busy)
