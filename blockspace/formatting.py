"""Numbers, sizes, durations and tables as text, in the one way that tables, reports, charts and messages share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from blockspace.units import BINARY_UNITS

SI_PREFIXES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))

TableStyle = Literal["plain", "markdown"]

# absolute paths of two names or more inside a text, also of Windows and as file: URLs; fractions and other URLs are none
PATH_IN_TEXT = re.compile(
    r"""(?<![\w.:/\\~-])(?:file:/*/|~[\w.-]*/|/[^\s/'"<>|,;:()\[\]{}]+/|[A-Za-z]:[\\/]|\\\\)[^\s'"<>|,;:()\[\]{}]*"""
)


def format_significant(value: float, digits: int = 4) -> str:
    """Return `value`, of absolute value 1 to 1024, with `digits` significant digits, trailing zeros included."""
    return f"{value:.{max(0, digits - len(str(int(abs(value)))))}f}"


def format_si(value: float, digits: int = 4, prefix_from: int = 1_000, trailing_zeros: bool = True, plain_digits: int = 6) -> str:
    """Return `value` with an SI prefix: 4230479872 is 4.230G.

    Args:
        value: the number.
        digits: significant digits before a prefix.
        prefix_from: absolute value from which a prefix is used.
        trailing_zeros: whether 4.230G keeps its last zero.
        plain_digits: significant digits of a number without a prefix.
    """
    if abs(value) >= prefix_from:
        for size, prefix in SI_PREFIXES:
            if abs(value) >= size:
                scaled = value / size
                return f"{format_significant(scaled, digits) if trailing_zeros else f'{scaled:.{digits}g}'}{prefix}"
    return f"{value:.{plain_digits}g}"


def format_cell(value: float | None) -> str:
    """Return a number for a table's cell or an axis: four significant digits, a prefix from ten thousand on; a dash for None."""
    if value is None:
        return "-"
    return format_si(value, prefix_from=10_000, trailing_zeros=False, plain_digits=4)


def format_bytes(value: float) -> str:
    """Return a number of bytes with its binary unit and four significant digits: 9635840 is 9.189 MiB."""
    for unit, size in BINARY_UNITS.items():
        if abs(value) >= size:
            return f"{format_significant(value / size)} {unit}"
    return f"{value:g} B"


def count_noun(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 network`, `2,000 networks`; `plural` where an -s is not enough."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def format_mean(mean: float, deviation: float | None, decimals: int) -> str:
    """Return a mean with its standard deviation where there is one: `97.31 ± 0.42`."""
    return f"{mean:.{decimals}f}" + (f" ± {deviation:.{decimals}f}" if deviation is not None else "")


def format_duration(seconds: float) -> str:
    """Return a duration as `42 s`, `3.5 min` or `2.1 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int | None = None, style: TableStyle = "plain") -> str:
    """Return a table of texts as aligned columns under a header and a rule, or as Markdown.

    The first `left` columns are aligned to the left and the others to the right; with `left=None` a column is aligned to the right where
    all its cells are numbers or dashes.
    """
    places = range(len(header))
    right = [all(_is_number(row[place]) for row in rows) if left is None else place >= left for place in places]
    if style == "markdown":
        marks = ["---:" if side else "---" for side in right]
        return "\n".join(f"| {' | '.join(map(_escape_cell, line))} |" for line in [header, marks, *rows])
    widths = [max(len(line[place]) for line in [header, *rows]) for place in places]
    rule = ["-" * width for width in widths]
    return "\n".join(_align_line(line, widths, right) for line in [header, rule, *rows])


def _align_line(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (cell.rjust(width) if side else cell.ljust(width) for cell, width, side in zip(line, widths, right, strict=True))
    return "  ".join(padded).rstrip()


def _is_number(cell: str) -> bool:
    """Return whether a cell holds a number such as 97.31, 7.9M or 97.31 ± 0.42, or a dash."""
    try:
        float(cell.partition(" ± ")[0].rstrip("kMGT") or "x")
    except ValueError:
        return cell == "-"
    return True


def _escape_cell(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def join_side_by_side(left: str, right: str, width: int, gap: str = "   ") -> str:
    """Return two texts side by side, aligned at the top, or one below the other where lines would be longer than `width`."""
    ours, theirs = left.splitlines(), right.splitlines()
    wide = max(map(len, ours), default=0)
    if wide + len(gap) + max(map(len, theirs), default=0) > width:
        return f"{left}\n\n{right}"
    height = max(len(ours), len(theirs))
    pairs = zip(ours + [""] * (height - len(ours)), theirs + [""] * (height - len(theirs)))
    return "\n".join(f"{a:<{wide}}{gap}{b}".rstrip() for a, b in pairs)


def is_absolute(text: str) -> bool:
    """Return whether a text is meant as a path from the root or from a home, of any system, or a file: URL."""
    return re.match(r"/|~|[A-Za-z]:[\\/]|\\\\|file:", text) is not None


def hide_path(text: str) -> str:
    """Return a setting without the folders above it where it is an absolute path: `/home/ada/images` is `images`."""
    return re.split(r"[/\\]", text.rstrip("/\\"))[-1] if is_absolute(text) else text


def hide_paths(text: str) -> str:
    """Return a text with the absolute paths in it reduced to their names, for what leaves this machine."""
    return PATH_IN_TEXT.sub(lambda found: hide_path(found[0]) or "...", text)
