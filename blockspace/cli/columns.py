"""Columns of text: the first on the left, the others on the right."""

from __future__ import annotations

from collections.abc import Sequence


def columns(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows under a header and a rule; the first `left` columns stand on the left."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(placed(line, widths, left)).rstrip() for line in lines)


def placed(line: Sequence[str], widths: Sequence[int], left: int) -> list[str]:
    return [cell.ljust(width) if at < left else cell.rjust(width) for at, (cell, width) in enumerate(zip(line, widths))]


def beside(left: str, right: str, width: int, gap: str = "   ") -> str:
    """Two texts side by side from the same height, or one under the other where the lines would be longer than `width`."""
    ours, theirs = left.splitlines(), right.splitlines()
    wide = max(map(len, ours), default=0)
    if wide + len(gap) + max(map(len, theirs), default=0) > width:
        return f"{left}\n\n{right}"
    height = max(len(ours), len(theirs))
    pairs = zip(ours + [""] * (height - len(ours)), theirs + [""] * (height - len(theirs)))
    return "\n".join(f"{a:<{wide}}{gap}{b}".rstrip() for a, b in pairs)
