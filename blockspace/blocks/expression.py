"""Expressions: exact rationals and names, in an allow-list of Python's syntax.

`0.5` is 1/2, `/` is exact, and only `min max int floor ceil round log2 divisible` return to
integers. A text is bounded in length before it is
parsed and in nodes and depth after; every intermediate value is bounded too. Nothing is ever executed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from blockspace.errors import error
from blockspace.formatting import count_noun
from blockspace.units import MAX_LENGTH, MAX_VALUE, is_fraction, make_fraction, simplify_fraction

if TYPE_CHECKING:
    from fractions import Fraction

MAX_NODES, MAX_DEPTH = 200, 32

Lookup = Callable[[str], object]


def round_to_multiple(value: Any, divisor: Any) -> Any:
    """Return the nearest multiple of `divisor`, never below 90 % of `value` (torchvision's `_make_divisible`)."""
    new = max(divisor, (2 * value + divisor) // (2 * divisor) * divisor)
    return new + divisor if 10 * new < 9 * value else new


def floor_log2(value: Any) -> int:
    """Return the integer part of the binary logarithm, exactly: n where 2^n <= value < 2^(n + 1). Raises E-EXPR below 1."""
    if value < 1:
        raise error("E-EXPR", f"log2 of {value}: it takes numbers from 1 on")
    return int(math.floor(value)).bit_length() - 1


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {  # name: function, fewest and most arguments
    "min": (min, 2, 16),
    "max": (max, 2, 16),
    "int": (int, 1, 1),
    "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "round": (lambda v: math.floor((2 * v + 1) / 2) if is_fraction(v) else v, 1, 1),  # half up: round(2.5) is 3, as on paper
    "log2": (floor_log2, 1, 1),
    "divisible": (round_to_multiple, 2, 2),
}


class Expression:
    """A compiled expression: `names` it reads, and `value(lookup)`."""

    __slots__ = ("text", "names", "_run")

    def __init__(self, text: str, names: frozenset[str], run: Callable[[Lookup], object]):
        self.text, self.names, self._run = text, names, run

    def value(self, lookup: Lookup) -> Any:
        """Return the value, names being answered by `lookup`. Raises E-DIV, E-TYPE, and what `lookup` raises."""
        try:
            return simplify_fraction(self._run(lookup))
        except ZeroDivisionError:
            raise error("E-DIV", f"division by zero in {self.text!r}") from None
        except TypeError:
            raise error("E-TYPE", f"{self.text!r} mixes words and numbers: {self._values(lookup)}") from None

    def _values(self, lookup: Lookup) -> str:
        return ", ".join(f"{name} = {lookup(name)}" for name in sorted(self.names))


@lru_cache(maxsize=4096)
def compile_expression(text: str) -> Expression:
    """Parse `text`. Raises E-EXPR for anything outside the language."""
    if len(text) > MAX_LENGTH:
        raise error("E-EXPR", f"an expression of {len(text)} characters; {MAX_LENGTH} are allowed")
    if measure_depth(text) > MAX_DEPTH:
        raise error("E-EXPR", f"an expression nested deeper than {MAX_DEPTH} parentheses or signs")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise error("E-EXPR", f"not an expression: {text!r}") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise error("E-EXPR", f"an expression of more than {MAX_NODES} terms")
    names: set[str] = set()
    run = _compile(tree, text, names)
    return Expression(text, frozenset(names), run)


def measure_depth(text: str) -> int:
    """Return how deep parentheses and runs of signs nest, counted before Python's parser sees the text."""
    depth = deepest = run = 0
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        run = run + 1 if c in "+-~" else run if c == " " else 0
        deepest = max(deepest, depth + run)
    return deepest


def check_bounds(value: Any, text: str) -> Any:
    """Return `value`. Raises E-EXPR when it is larger than 2^53 in numerator and denominator."""
    if is_fraction(value):
        if abs(value.numerator) > MAX_VALUE or value.denominator > MAX_VALUE:
            raise error("E-EXPR", f"a value in {text!r} is out of bounds (2^53)")
    elif isinstance(value, int) and abs(value) > MAX_VALUE:
        raise error("E-EXPR", f"a value in {text!r} is out of bounds (2^53)")
    return value


def _divide(a: Any, b: Any) -> Fraction:
    quotient: Fraction = make_fraction(a) / b
    return quotient


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _divide,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}


def _compile(tree: ast.AST, text: str, names: set[str]) -> Callable[[Lookup], object]:
    """Return a closure that evaluates one syntax node. Raises E-EXPR for a node that is not on the list."""

    def sub(node: ast.AST) -> Callable[[Lookup], object]:
        return _compile(node, text, names)

    match tree:
        case ast.Constant(value=bool() | int() | float() as value):
            if isinstance(value, float):
                if not math.isfinite(value):
                    raise error("E-EXPR", f"a value in {text!r} is out of bounds (2^53)")
                value = simplify_fraction(make_fraction(repr(value)))
            check_bounds(value, text)
            return lambda _: value
        case ast.Name(id=name):
            names.add(name)
            return lambda lookup: lookup(name)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in BINARY:
            apply, a, b = BINARY[type(op)], sub(left), sub(right)
            return lambda lookup: check_bounds(apply(_numeric(a(lookup)), _numeric(b(lookup))), text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            a = sub(operand)
            return lambda lookup: -_numeric(a(lookup))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return sub(operand)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            a = sub(operand)
            return lambda lookup: not a(lookup)
        case ast.BoolOp(op=ast.And(), values=values):
            parts = [sub(v) for v in values]
            return lambda lookup: all(part(lookup) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=values):
            parts = [sub(v) for v in values]
            return lambda lookup: any(part(lookup) for part in parts)
        case ast.Compare(left=left, ops=ops, comparators=rights) if all(type(op) in COMPARE for op in ops):
            parts = [sub(left), *(sub(r) for r in rights)]
            tests = [COMPARE[type(op)] for op in ops]
            return lambda lookup: _chain([part(lookup) for part in parts], tests)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            condition, yes, no = sub(test), sub(body), sub(orelse)
            return lambda lookup: yes(lookup) if condition(lookup) else no(lookup)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return _call(name, [sub(a) for a in args], text)
    raise error("E-EXPR", f"not allowed in an expression: {ast.unparse(tree)!r}", help=LANGUAGE)


LANGUAGE = f"numbers, names, + - * / // %, comparisons, and or not, a if c else b, {' '.join(FUNCTIONS)}"


def _numeric(value: Any) -> Any:
    if isinstance(value, int) or is_fraction(value):
        return value
    raise TypeError


def _chain(values: list[Any], tests: list[Callable[[Any, Any], Any]]) -> bool:
    return all(test(a, b) for test, a, b in zip(tests, values, values[1:]))


def _call(name: str, args: list[Callable[[Lookup], object]], text: str) -> Callable[[Lookup], object]:
    function, fewest, most = FUNCTIONS[name]
    if not fewest <= len(args) <= most:
        takes = f"{name}() takes {count_noun(fewest, 'argument')}"
        raise error("E-EXPR", f"{takes}, got {len(args)}", help="quote it if YAML split it at a comma")
    return lambda lookup: check_bounds(function(*[_numeric(arg(lookup)) for arg in args]), text)
