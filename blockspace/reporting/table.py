"""Tables as plain text and as Markdown: aligned columns, few digits, units in the header."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from blockspace.formatting import TableStyle, format_cell, format_mean, format_table
from blockspace.reporting.answer import Answer, Row

HEADERS = {"latency": "latency x"}  # a ratio to the baseline


def answer_table(answer: Answer, style: TableStyle = "plain") -> str:
    """One line per network: costs, accuracy in %, log-loss in nats, each with its standard deviation over seeds; a line per difference."""
    costs = list(dict.fromkeys(name for row in answer.rows for name in row.costs))
    header = ["family", "network", *(HEADERS.get(name, name) for name in costs), "accuracy %", "log-loss", "seeds"]
    networks = format_table(header, [cells(row, costs) for row in answer.rows], style=style)
    lines = [(sentence if style == "plain" else f"- {sentence}") + "." for sentence in answer.sentences()]
    return "\n".join([networks, *(["", *lines] if lines else [])])


def cells(row: Row, costs: Sequence[str]) -> list[str]:
    """One network's line."""
    known: Mapping[str, float | None] = {name: row.costs.get(name) for name in costs}
    spread = None if row.accuracy_sd is None else row.accuracy_sd * 100
    accuracy, log_loss = format_mean(row.accuracy * 100, spread, 2), format_mean(row.log_loss, row.log_loss_sd, 4)
    return [row.family, row.name, *(format_cell(value) for value in known.values()), accuracy, log_loss, str(row.seeds)]
