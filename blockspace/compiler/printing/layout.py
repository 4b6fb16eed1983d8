"""Python expressions as trees, laid out on lines of at most 120 characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

WIDTH = 120
STEP = 4
SUM, PRODUCT, ATOM = 1, 2, 3  # how tightly an expression binds


@dataclass(frozen=True)
class Ref:
    """A value that gets its variable name later."""

    value: str
    level = ATOM


@dataclass(frozen=True)
class Expr:
    """`head`, the items joined by `sep`, `tail`; an item is what stands before it (`stride=` or nothing) and its expression."""

    head: str
    items: tuple[tuple[str, Expr | Ref], ...] = ()
    tail: str = ""
    sep: str = ", "
    level: int = ATOM


def text(value: object) -> Expr:
    """A piece of text, or a literal."""
    return Expr(value if isinstance(value, str) else repr(value))


def called(function: str, *args: Expr | Ref, **kwargs: Expr | Ref) -> Expr:
    """`function(args, key=value)`."""
    return Expr(f"{function}(", (*(("", a) for a in args), *((f"{k}=", v) for k, v in kwargs.items())), ")")


def listed(items) -> Expr:
    return Expr("[", tuple(("", item) for item in items), "]")


def infix(symbol: str, left: Expr | Ref, right: Expr | Ref) -> Expr:
    """`left symbol right`, with parentheses where the order of evaluation asks for them."""
    level = SUM if symbol in "+-" else PRODUCT
    if not (isinstance(left, Expr) and left.sep == f" {symbol} "):
        left = Expr("", (("", guarded(left, level)),), "", f" {symbol} ", level)
    return Expr("", (*left.items, ("", guarded(right, level + 1))), "", f" {symbol} ", level)


def guarded(expr: Expr | Ref, level: int) -> Expr | Ref:
    """The expression, in parentheses when it binds less than `level`."""
    return expr if expr.level >= level else Expr("(", (("", expr),), ")")


def flat(expr: Expr | Ref, names: Mapping[str, str]) -> str:
    """On one line; values without a name yet count as one of usual length."""
    if isinstance(expr, Ref):
        return names.get(expr.value, "value")
    return expr.head + expr.sep.join(before + flat(item, names) for before, item in expr.items) + expr.tail


def refs(expr: Expr | Ref) -> Iterator[str]:
    """The values an expression reads, from left to right."""
    if isinstance(expr, Ref):
        yield expr.value
    else:
        for _, item in expr.items:
            yield from refs(item)


def lines(expr: Expr | Ref, names: Mapping[str, str], indent: int, before: str = "", after: str = "") -> list[str]:
    """The expression between `before` and `after`: one line; where it is too long, plain items on a line, others one a line."""
    line = " " * indent + before + flat(expr, names) + after
    if len(line) <= WIDTH or isinstance(expr, Ref) or not expr.items:
        return [line]
    comma = expr.sep == ", "
    inside = " " * (indent + STEP) + flat(Expr("", expr.items), names)
    if comma and len(inside) <= WIDTH and len(expr.items) > 1 and all(isinstance(i, Ref) or not i.items for _, i in expr.items):
        return [" " * indent + before + expr.head, inside, " " * indent + expr.tail + after]
    head, tail = (expr.head, expr.tail) if comma else (f"{expr.head}(", f"){expr.tail}")
    rows = [" " * indent + before + head]
    for index, (key, item) in enumerate(expr.items):
        symbol = "" if comma or index == 0 else expr.sep.lstrip()
        rows += lines(item, names, indent + STEP, symbol + key, "," if comma else "")
    return [*rows, " " * indent + tail + after]
