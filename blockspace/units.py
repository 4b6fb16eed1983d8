"""Numbers as people write them: exact rationals, and the units that each kind of setting takes.

`60M`, `5e-4`, `96%`, `500ms` and `4MiB` are a number and a unit. Which units make sense depends on what is set: a `NumberKind` says so, and
every other unit is an error instead of being dropped.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from blockspace.errors import error

if TYPE_CHECKING:  # importing `fractions` takes longer than drawing a block, so it is loaded where a value is not whole
    from fractions import Fraction

Rational: TypeAlias = "int | Fraction"
Factor: TypeAlias = tuple[int, int]  # numerator and denominator

MAX_LENGTH, MAX_VALUE = 512, 2**53
DIGITS = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
MEASURE = re.compile(rf"({DIGITS})\s*([A-Za-zµ%]*)", re.ASCII)

COUNT_UNITS: dict[str, Factor] = {"k": (10**3, 1), "K": (10**3, 1), "M": (10**6, 1), "G": (10**9, 1), "T": (10**12, 1)}
TIME_UNITS: dict[str, Factor] = {"ms": (1, 1000), "s": (1, 1), "min": (60, 1), "h": (3600, 1)}
SHARE_UNITS: dict[str, Factor] = {"%": (1, 100)}
POINT_UNITS: dict[str, Factor] = {"points": (1, 1), "point": (1, 1)}
BINARY_UNITS = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
BYTE_UNITS: dict[str, Factor] = {
    unit: (size, 1) for unit, size in (BINARY_UNITS | {"GB": 10**9, "MB": 10**6, "KB": 10**3, "kB": 10**3, "B": 1}).items()
}
OWNERS = {
    **dict.fromkeys(COUNT_UNITS, "a count"), **dict.fromkeys((*TIME_UNITS, "us", "µs", "ns"), "a time"),
    **dict.fromkeys(SHARE_UNITS, "a share"), **dict.fromkeys(POINT_UNITS, "a difference in points"),
    **dict.fromkeys(BYTE_UNITS, "a size in bytes"),
}  # fmt: skip


@dataclass(frozen=True)
class NumberKind:
    """A kind of number: what it is, the units it takes with their factors to its own unit, and how it is written.

    `form` has `{digits}` where the number that was given can stand without its unit. `needs_unit`: without one it could mean several
    things, and is an error.
    """

    name: str
    units: Mapping[str, Factor]
    form: str
    needs_unit: bool = False

    def pattern(self) -> str:
        """Return the regular expression of a text that is such a number, for JSON Schema."""
        words = "|".join(sorted(self.units, key=len, reverse=True))
        unit = f"({words})" + ("" if self.needs_unit else "?") if words else ""
        return rf"^\s*{DIGITS}\s*{unit}\s*$"


COUNT = NumberKind("a count", COUNT_UNITS, "write {digits}; a count may end in k, M, G or T")
TIME = NumberKind("a time", TIME_UNITS, "write seconds, or a number that ends in ms, s, min or h: 90, 1.5min, 2h")
SHARE = NumberKind("a share", SHARE_UNITS, "write a number from 0 to 1, or one that ends in %: 0.5, 50%")
PLAIN = NumberKind("a number without a unit", {}, "write {digits}")
COUNTED_COST = NumberKind(
    "a count, or a share of the baseline's", COUNT_UNITS | SHARE_UNITS, "write a count, as 8M, or a share of the baseline's: 96%"
)
BYTES_COST = NumberKind(
    "a size in bytes, or a share of the baseline's",
    BYTE_UNITS | COUNT_UNITS | SHARE_UNITS,
    "write bytes, as 4MiB, or a share of the baseline's: 96%",
)
BASELINE_RATIO = NumberKind(
    "a multiple of the baseline network's latency", SHARE_UNITS, "write 1.3, or 130%; a latency in milliseconds cannot be a budget"
)
POINTS = NumberKind("a difference in percentage points of accuracy", POINT_UNITS, "write {digits} points", needs_unit=True)
NETWORK_NUMBER = NumberKind("a number of a network", COUNT_UNITS | SHARE_UNITS, "write {digits}; numbers here may end in k, M, G, T or %")


def make_fraction(*parts: Any) -> Fraction:
    """Return `fractions.Fraction(*parts)`."""
    from fractions import Fraction

    return Fraction(*parts)


def is_fraction(value: object) -> TypeGuard[Fraction]:
    """Return whether `value` is a Fraction, without importing `fractions`."""
    module = sys.modules.get("fractions")
    return module is not None and isinstance(value, module.Fraction)


def is_number(value: object) -> TypeGuard[Rational]:
    """Return whether `value` is an exact number; a bool is not one."""
    return isinstance(value, int) and not isinstance(value, bool) or is_fraction(value)


def simplify_fraction(value: Any) -> Any:
    """Return a fraction with denominator 1 as an int, so that text and hashes have one spelling; any other value as it is."""
    if is_fraction(value) and value.denominator == 1:
        return value.numerator
    return value


def to_int_or_float(value: Rational) -> int | float:
    """Return an exact number as Python's settings hold it."""
    return value if isinstance(value, int) else float(value)


def split_measure(text: str) -> tuple[str, str] | None:
    """Return the digits and the unit, maybe empty, of a text such as `60M`; None when it is not a number with or without a unit."""
    match = MEASURE.fullmatch(text.strip()) if len(text) <= MAX_LENGTH else None
    return (match[1], match[2]) if match else None


def parse_measure(text: str, kind: NumberKind) -> Rational | None:
    """Return the exact number that a text says, in the kind's own unit (times in seconds); None when it is not a number.

    Raises BlockspaceError: E-VALUE for a unit that the kind does not take, or that it needs and the text lacks, E-SCALAR for YAML 1.1's
    octal and base-60 numbers, whose meaning depends on the reader, E-EXPR beyond 2^53.
    """
    parts = split_measure(text)
    if parts is None:
        if len(text) <= MAX_LENGTH and re.fullmatch(r"\d+(:[0-5]?\d)+", text):
            help = "write the number plainly, or quote a text"
            raise error("E-SCALAR", f"{text!r} is a number in base 60 to some YAML readers", help=help)
        return None
    digits, unit = parts
    if unit and unit not in kind.units:
        owner = f"is {OWNERS[unit]}" if unit in OWNERS else f"has an unknown unit {unit!r}"
        raise error("E-VALUE", f"{text!r} {owner}, and this is {kind.name}", help=kind.form.format(digits=digits))
    if kind.needs_unit and not unit:
        raise error("E-VALUE", f"{text!r} has no unit, and this is {kind.name}", help=kind.form.format(digits=digits))
    return scale_digits(digits, kind.units[unit] if unit else (1, 1), text)


def scale_digits(digits: str, factor: Factor, text: str) -> Rational:
    """Return the digits of a literal times a factor. Raises E-SCALAR for an octal number, E-EXPR beyond 2^53."""
    if re.fullmatch(r"[+-]?0\d+", digits):
        raise error("E-SCALAR", f"{text!r} is octal to some YAML readers", help=f"write {digits.lstrip('+-0') or '0'}")
    whole = digits.lstrip("+-").isdigit() and factor[1] == 1
    value: Rational = int(digits) * factor[0] if whole else simplify_fraction(make_fraction(digits) * make_fraction(*factor))
    if not -MAX_VALUE <= value <= MAX_VALUE:
        raise error("E-EXPR", f"the number {text} is out of bounds (2^53)")
    return value


def parse_number(text: str) -> Rational | None:
    """Return the exact number that a literal of a network file says, as `64`, `60k`, `5e-4` or `50%`; None when it is not a number.

    Letters that are no unit of counts, shares or times make a word (`3x`). Raises E-VALUE for a time, E-SCALAR, E-EXPR.
    """
    parts = split_measure(text)
    if parts and parts[1] and parts[1] not in NETWORK_NUMBER.units and parts[1] not in ("s", "ms"):
        return None
    return parse_measure(text, NETWORK_NUMBER)


def parse_plain_number(text: str) -> Rational | None:
    """Return the exact number that a text without a unit says; None for any other text. Raises E-SCALAR, E-EXPR."""
    parts = split_measure(text)
    return None if parts and parts[1] else parse_measure(text, PLAIN)


def parse_count(text: str) -> Rational | None:
    """Return the number that a text with or without the unit of a count says; None for any other text. Raises E-SCALAR, E-EXPR."""
    parts = split_measure(text)
    return None if parts and parts[1] not in ("", *COUNT_UNITS) else parse_measure(text, COUNT)
