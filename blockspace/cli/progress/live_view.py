"""Render progress for a terminal: the stage, running trainings, the front by family, counts of states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from blockspace.cli.progress.progress_lines import format_state_name, format_stop, list_objective_cells
from blockspace.cli.progress.progress_state import FrontEntry, ProgressState, RunningTraining
from blockspace.formatting import format_duration
from blockspace.training import DEFAULT_TASK, TASKS, find_main_metric

NAME, BAR, GAP = 12, 20, 2  # columns of a terminal: what a network's name should have at least, the bar, between two columns
METRIC = find_main_metric(TASKS[DEFAULT_TASK])  # as a job's progress reports it
OTHER_LINES = 9  # of the picture beside its two tables


def render_progress(state: ProgressState, width: int, height: int = 24) -> RenderableType:
    """Return the whole view, at most `width` columns wide; the front is cut to the terminal's height."""
    parts = [render_heading(state, width)]
    if state.running:
        parts += ["", render_running(state, width)]
    if state.ranking:
        parts += ["", render_front(state, width, max(3, height - OTHER_LINES - len(state.running)))]
    parts += ["", render_counts(state)]
    if state.budgets:
        parts.append(Text(f"budget: {'; '.join(state.budgets)}", style="dim"))
    if state.stopping:
        parts.append(Text(format_stop(state.stopping), style="bold yellow"))
    return Group(*parts)


def render_heading(state: ProgressState, width: int) -> RenderableType:
    """Return `tiny  search 4/24  ━━━━  about 3 min left`; on a narrow terminal without the study's name, then without the bar."""
    left = state.left()
    words = [format_stage(state), *([f"about {format_duration(left)} left"] if left is not None else [])]
    free = width - sum(cell_len(text) + GAP for text in words)
    row = Table.grid(padding=(0, GAP, 0, 0))
    cells: list[RenderableType] = []
    if free > NAME:
        row.add_column(max_width=free, no_wrap=True, overflow="ellipsis")
        cells.append(Text(state.study, style="bold"))
        free -= cell_len(state.study) + GAP
    row.add_column(no_wrap=True)
    cells.append(Text(words[0]))
    if free > BAR and state.total:
        row.add_column(width=BAR)
        cells.append(ProgressBar(state.total, state.done, width=BAR))
    for text in words[1:]:
        row.add_column(no_wrap=True)
        cells.append(Text(text))
    row.add_row(*cells)
    return row


def format_stage(state: ProgressState) -> str:
    """Return `search 4/24`."""
    return f"{state.stage_name} {state.done}/{state.total}" if state.total else state.stage


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: its name, whether it holds numbers, and when it is dropped for lack of room (0: never; the largest first)."""

    name: str
    number: bool = True
    gives_way: int = 0


def render_table(columns: Sequence[TableColumn], rows: Sequence[Mapping[str, str]], width: int, bold: Sequence[bool] = ()) -> Table:
    """Return a table without lines, at most `width` wide: networks' names are cut first, then columns are dropped."""
    sizes = {column.name: max(cell_len(text) for text in (column.name, *(row[column.name] for row in rows))) for column in columns}
    kept = list(columns)
    while compute_name_width(kept, sizes, width) < min(NAME, sizes["network"]) and any(column.gives_way for column in kept):
        kept.remove(max(kept, key=lambda column: column.gives_way))
    sizes["network"] = max(1, min(sizes["network"], compute_name_width(kept, sizes, width)))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for column in kept:
        side: Literal["left", "right"] = "right" if column.number else "left"
        table.add_column(Text(column.name), width=sizes[column.name], justify=side, no_wrap=True, overflow="ellipsis")
    for place, row in enumerate(rows):
        style = "bold" if place < len(bold) and bold[place] else ""
        table.add_row(*(Text(row[column.name], style=style) for column in kept))
    return table


def compute_name_width(columns: Sequence[TableColumn], sizes: Mapping[str, int], width: int) -> int:
    """Return the width that the other columns leave to the network's name."""
    return width - sum(sizes[column.name] + GAP for column in columns if column.name != "network") - GAP


def render_running(state: ProgressState, width: int) -> Table:
    """Return the table of running trainings."""
    number = TableColumn("trial" if state.stage == "search" else "final")
    fixed = [number, TableColumn("network", number=False), TableColumn("epoch")]
    columns = [*fixed, *(TableColumn(name, gives_way=place) for place, name in enumerate((METRIC.title, "loss", "time"), 1))]
    return render_table(columns, [describe_training(training, state.clock()) for training in state.running.values()], width)


def describe_training(training: RunningTraining, now: float) -> dict[str, str]:
    """Return one training's cells by column."""
    beat = training.progress
    epoch = f"{beat.epoch}/{beat.epochs}" if beat.epochs else "first" if beat.steps else "starting"
    return {
        "trial": str(training.number),
        "final": str(training.number),
        "network": training.label,
        "epoch": epoch,
        METRIC.title: "-" if beat.metric is None else METRIC.format_stored(beat.metric),
        "loss": "-" if beat.loss is None else f"{beat.loss:.4f}",
        "time": format_duration(now - training.started),
    }


def render_front(state: ProgressState, width: int, lines: int) -> Table:
    """Return the front by family; `*` marks networks that no other family dominates."""
    objectives = [TableColumn(name, gives_way=place) for place, name in enumerate(state.objectives)]
    family = TableColumn("best so far", number=False, gives_way=len(objectives) + 1)
    trial = TableColumn("trial", gives_way=len(objectives) + 2)
    columns = [family, TableColumn("network", number=False), *objectives, TableColumn("*", number=False), trial]
    ranking = select_front_rows(state.ranking, lines)
    rows = [
        {"best so far": one.family, "network": one.row.label, "*": "*" if one.leads else "", "trial": str(one.row.number)}
        | dict(zip(state.objectives, list_objective_cells(one.row.values)))
        for one in ranking
    ]
    return render_table(columns, rows, width, [one.leads for one in ranking])


def select_front_rows(ranking: list[FrontEntry], lines: int) -> list[FrontEntry]:
    """Return as many entries as fit: the best of every family first, then the next of each."""
    places: dict[str, int] = {}
    ranked = []
    for one in ranking:
        places[one.family] = places.get(one.family, -1) + 1
        ranked.append((places[one.family], one))
    kept = {id(one) for _, one in sorted(ranked, key=lambda pair: pair[0])[:lines]}
    return [one for one in ranking if id(one) in kept]


def render_counts(state: ProgressState) -> Columns:
    """Return the number of proposals in each state; zeros are dimmed."""
    counts = state.counts().items()
    texts = [Text(f"{format_state_name(name)} {count}", style="" if count else "dim", no_wrap=True) for name, count in counts]
    return Columns(texts, padding=(0, GAP))
