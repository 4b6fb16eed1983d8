"""Tables as plain text and as Markdown: aligned columns, few digits, units in the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from blockspace.reporting.answer import Answer, Row

Style = Literal["plain", "markdown"]
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
HEADERS = {"latency": "latency x"}  # a ratio to the baseline


def answer_table(answer: Answer, style: Style = "plain") -> str:
    """One line per network: costs, accuracy in %, log-loss in nats, each with its standard deviation over seeds; a line per difference."""
    costs = list(dict.fromkeys(name for row in answer.rows for name in row.costs))
    header = ["family", "network", *(HEADERS.get(name, name) for name in costs), "accuracy %", "log-loss", "seeds"]
    networks = grid(header, [cells(row, costs) for row in answer.rows], style)
    lines = [(sentence if style == "plain" else f"- {sentence}") + "." for sentence in answer.sentences()]
    return "\n".join([networks, *(["", *lines] if lines else [])])


def cells(row: Row, costs: Sequence[str]) -> list[str]:
    """One network's line."""
    known: Mapping[str, float | None] = {name: row.costs.get(name) for name in costs}
    spread = None if row.accuracy_sd is None else row.accuracy_sd * 100
    accuracy, log_loss = with_spread(row.accuracy * 100, spread, 2), with_spread(row.log_loss, row.log_loss_sd, 4)
    return [row.family, row.name, *(number(value) for value in known.values()), accuracy, log_loss, str(row.seeds)]


def with_spread(mean: float, spread: float | None, digits: int) -> str:
    """97.31 ± 0.42."""
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if spread is not None else "")


def number(value: float | None) -> str:
    """Four significant digits with k, M, G or T from ten thousand on; whole numbers below that as they are; a dash for None."""
    if value is None:
        return "-"
    if abs(value) >= 10_000:
        size, prefix = next((size, prefix) for size, prefix in PREFIXES if abs(value) >= size)
        return f"{value / size:.4g}{prefix}"
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], style: Style = "plain") -> str:
    """A table of texts; columns that hold only numbers (or dashes) stand to the right."""
    right = [all(is_number(row[column]) for row in rows) for column in range(len(header))]
    if style == "markdown":
        marks = ["---:" if side else "---" for side in right]
        return "\n".join(f"| {' | '.join(map(escaped, line))} |" for line in [header, marks, *rows])
    widths = [max(len(line[column]) for line in [header, *rows]) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    return "\n".join(aligned(line, widths, right) for line in [header, rule, *rows])


def aligned(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    """One padded line, nothing after its last character."""
    padded = (cell.rjust(width) if side else cell.ljust(width) for cell, width, side in zip(line, widths, right, strict=True))
    return "  ".join(padded).rstrip()


def is_number(cell: str) -> bool:
    """97.31, 7.9M, 97.31 ± 0.42, or a dash."""
    try:
        float(cell.partition(" ± ")[0].rstrip("kMGT") or "x")
    except ValueError:
        return cell == "-"
    return True


def escaped(cell: str) -> str:
    """A cell that does not end its Markdown column."""
    return cell.replace("|", "\\|").replace("\n", " ")
