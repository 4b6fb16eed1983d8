"""Python expressions as trees, laid out on lines of at most 120 characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

WIDTH = 120
STEP = 4
SUM, PRODUCT, ATOM = 1, 2, 3  # how tightly an expression binds


@dataclass(frozen=True)
class ValueRef:
    """A value that gets its variable name later."""

    value: str
    level = ATOM


@dataclass(frozen=True)
class CodeExpr:
    """`head`, the items joined by `sep`, `tail`; an item is what stands before it (`stride=` or nothing) and its expression."""

    head: str
    items: tuple[tuple[str, Code], ...] = ()
    tail: str = ""
    sep: str = ", "
    level: int = ATOM


Code = CodeExpr | ValueRef


def text_expr(value: object) -> CodeExpr:
    """Return a piece of text, or a literal."""
    return CodeExpr(value if isinstance(value, str) else repr(value))


def call_expr(function: str, *args: Code, **kwargs: Code) -> CodeExpr:
    """Return `function(args, key=value)`."""
    return CodeExpr(f"{function}(", (*(("", a) for a in args), *((f"{k}=", v) for k, v in kwargs.items())), ")")


def list_expr(items: Iterable[Code]) -> CodeExpr:
    """Return `[a, b]`."""
    return CodeExpr("[", tuple(("", item) for item in items), "]")


def infix_expr(symbol: str, left: Code, right: Code) -> CodeExpr:
    """Return `left symbol right`, with parentheses where the order of evaluation asks for them."""
    level = SUM if symbol in "+-" else PRODUCT
    if not (isinstance(left, CodeExpr) and left.sep == f" {symbol} "):
        left = CodeExpr("", (("", parenthesize(left, level)),), "", f" {symbol} ", level)
    return CodeExpr("", (*left.items, ("", parenthesize(right, level + 1))), "", f" {symbol} ", level)


def parenthesize(expr: Code, level: int) -> Code:
    """Return the expression, in parentheses when it binds less than `level`."""
    return expr if expr.level >= level else CodeExpr("(", (("", expr),), ")")


def flat_text(expr: Code, names: Mapping[str, str]) -> str:
    """Return the expression on one line; values without a name yet count as one of usual length."""
    if isinstance(expr, ValueRef):
        return names.get(expr.value, "value")
    return expr.head + expr.sep.join(before + flat_text(item, names) for before, item in expr.items) + expr.tail


def value_refs(expr: Code) -> Iterator[str]:
    """Yield the values an expression reads, from left to right."""
    if isinstance(expr, ValueRef):
        yield expr.value
    else:
        for _, item in expr.items:
            yield from value_refs(item)


def layout_lines(expr: Code, names: Mapping[str, str], indent: int, before: str = "", after: str = "") -> list[str]:
    """Return the expression between `before` and `after`: one line; where it is too long, plain items on a line, others one a line."""
    line = " " * indent + before + flat_text(expr, names) + after
    if len(line) <= WIDTH or isinstance(expr, ValueRef) or not expr.items:
        return [line]
    comma = expr.sep == ", "
    inside = " " * (indent + STEP) + flat_text(CodeExpr("", expr.items), names)
    if comma and len(inside) <= WIDTH and len(expr.items) > 1 and all(isinstance(i, ValueRef) or not i.items for _, i in expr.items):
        return [" " * indent + before + expr.head, inside, " " * indent + expr.tail + after]
    head, tail = (expr.head, expr.tail) if comma else (f"{expr.head}(", f"){expr.tail}")
    rows = [" " * indent + before + head]
    for index, (key, item) in enumerate(expr.items):
        symbol = "" if comma or index == 0 else expr.sep.lstrip()
        rows += layout_lines(item, names, indent + STEP, symbol + key, "," if comma else "")
    return [*rows, " " * indent + tail + after]
