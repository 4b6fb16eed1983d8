"""Progress as a picture for a terminal: the stage, what runs, the front by family, the counts of states."""

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

from blockspace.cli.progress.lines import cells, format_stop
from blockspace.cli.progress.standing import Best, RunningTraining, Standing
from blockspace.cli.progress.words import state
from blockspace.formatting import format_duration

NAME, BAR, GAP = 12, 20, 2  # columns of a terminal: what a network's name should have at least, the bar, between two columns
OTHER_LINES = 9  # of the picture beside its two tables


def picture(standing: Standing, width: int, height: int = 24) -> RenderableType:
    """All of it. Nothing is wider than `width`; the front is cut where the terminal ends."""
    parts = [heading(standing, width)]
    if standing.running:
        parts += ["", running(standing, width)]
    if standing.ranking:
        parts += ["", best(standing, width, max(3, height - OTHER_LINES - len(standing.running)))]
    parts += ["", counts(standing)]
    if standing.budgets:
        parts.append(Text(f"budget: {'; '.join(standing.budgets)}", style="dim"))
    if standing.stopping:
        parts.append(Text(format_stop(standing.stopping), style="bold yellow"))
    return Group(*parts)


def heading(standing: Standing, width: int) -> RenderableType:
    """`tiny  search 4/24  ━━━━  about 3 min left`; the study's name gives way first, then the bar."""
    left = standing.left()
    words = [stage(standing), *([f"about {format_duration(left)} left"] if left is not None else [])]
    free = width - sum(cell_len(text) + GAP for text in words)
    row = Table.grid(padding=(0, GAP, 0, 0))
    cells: list[RenderableType] = []
    if free > NAME:
        row.add_column(max_width=free, no_wrap=True, overflow="ellipsis")
        cells.append(Text(standing.study, style="bold"))
        free -= cell_len(standing.study) + GAP
    row.add_column(no_wrap=True)
    cells.append(Text(words[0]))
    if free > BAR and standing.total:
        row.add_column(width=BAR)
        cells.append(ProgressBar(standing.total, standing.done, width=BAR))
    for text in words[1:]:
        row.add_column(no_wrap=True)
        cells.append(Text(text))
    row.add_row(*cells)
    return row


def stage(standing: Standing) -> str:
    return f"{standing.stage} {standing.done}/{standing.total}" if standing.total else standing.stage


@dataclass(frozen=True)
class Column:
    """One of a table's columns: what it is called, whether it holds numbers, and when it gives way (0: never; the largest first)."""

    name: str
    number: bool = True
    gives_way: int = 0


def plain(columns: Sequence[Column], rows: Sequence[Mapping[str, str]], width: int, bold: Sequence[bool] = ()) -> Table:
    """A table without lines, at most `width` wide: networks' names are cut first, then columns are left out."""
    sizes = {column.name: max(cell_len(text) for text in (column.name, *(row[column.name] for row in rows))) for column in columns}
    kept = list(columns)
    while room(kept, sizes, width) < min(NAME, sizes["network"]) and any(column.gives_way for column in kept):
        kept.remove(max(kept, key=lambda column: column.gives_way))
    sizes["network"] = max(1, min(sizes["network"], room(kept, sizes, width)))
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for column in kept:
        side: Literal["left", "right"] = "right" if column.number else "left"
        table.add_column(Text(column.name), width=sizes[column.name], justify=side, no_wrap=True, overflow="ellipsis")
    for place, row in enumerate(rows):
        style = "bold" if place < len(bold) and bold[place] else ""
        table.add_row(*(Text(row[column.name], style=style) for column in kept))
    return table


def room(columns: Sequence[Column], sizes: Mapping[str, int], width: int) -> int:
    """What the others leave to the network's name."""
    return width - sum(sizes[column.name] + GAP for column in columns if column.name != "network") - GAP


def running(standing: Standing, width: int) -> Table:
    """The trainings on their way."""
    number = Column("trial" if standing.stage == "search" else "final")
    columns = [number, Column("network", number=False), Column("epoch"), Column("accuracy", gives_way=1), Column("loss", gives_way=2)]
    columns.append(Column("time", gives_way=3))
    return plain(columns, [facts(training, standing.clock()) for training in standing.running.values()], width)


def facts(training: RunningTraining, now: float) -> dict[str, str]:
    """One training's cells."""
    beat = training.progress
    epoch = f"{beat.epoch}/{beat.epochs}" if beat.epochs else "first" if beat.steps else "starting"
    return {
        "trial": str(training.number),
        "final": str(training.number),
        "network": training.label,
        "epoch": epoch,
        "accuracy": "-" if beat.metric is None else f"{beat.metric:.4f}",
        "loss": "-" if beat.loss is None else f"{beat.loss:.4f}",
        "time": format_duration(now - training.started),
    }


def best(standing: Standing, width: int, lines: int) -> Table:
    """The front by family; `*` where no other family has a better one."""
    objectives = [Column(name, gives_way=place) for place, name in enumerate(standing.objectives)]
    family = Column("best so far", number=False, gives_way=len(objectives) + 1)
    trial = Column("trial", gives_way=len(objectives) + 2)
    columns = [family, Column("network", number=False), *objectives, Column("*", number=False), trial]
    ranking = shown(standing.ranking, lines)
    rows = [
        {"best so far": one.family, "network": one.row.label, "*": "*" if one.leads else "", "trial": str(one.row.number)}
        | dict(zip(standing.objectives, cells(one.row.values)))
        for one in ranking
    ]
    return plain(columns, rows, width, [one.leads for one in ranking])


def shown(ranking: list[Best], lines: int) -> list[Best]:
    """As many as there is room for: the best of every family first, then the next of each."""
    places: dict[str, int] = {}
    ranked = []
    for one in ranking:
        places[one.family] = places.get(one.family, -1) + 1
        ranked.append((places[one.family], one))
    kept = {id(one) for _, one in sorted(ranked, key=lambda pair: pair[0])[:lines]}
    return [one for one in ranking if id(one) in kept]


def counts(standing: Standing) -> Columns:
    """How many proposals are in which state; what has not happened stands back."""
    texts = [Text(f"{state(name)} {count}", style="" if count else "dim", no_wrap=True) for name, count in standing.counts().items()]
    return Columns(texts, padding=(0, GAP))
