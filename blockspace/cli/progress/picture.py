"""Progress as a picture for a terminal: the stage, what runs, the front by family, the counts of states."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from blockspace.cli.progress.lines import cells, stopping
from blockspace.cli.progress.standing import Best, Standing, Training
from blockspace.cli.progress.words import duration, state

WIDE, MIDDLE = 76, 50  # columns of a terminal for everything, for all but the details
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
        parts.append(Text(stopping(standing.stopping), style="bold yellow"))
    return Group(*parts)


def heading(standing: Standing, width: int) -> RenderableType:
    """`tiny  search 4/24  ━━━━  about 3 min left`."""
    row = Table.grid(padding=(0, 2))
    left = standing.left()
    words = [Text(standing.study, style="bold", no_wrap=True), Text(stage(standing), no_wrap=True)]
    bar = [ProgressBar(max(1, standing.total), standing.done, width=min(24, width // 4))] if width >= MIDDLE and standing.total else []
    time = [Text(f"about {duration(left)} left", no_wrap=True)] if left is not None else []
    for _ in (*words, *bar, *time):
        row.add_column(no_wrap=True, overflow="ellipsis")
    row.add_row(*words, *bar, *time)
    return row


def stage(standing: Standing) -> str:
    return f"{standing.stage} {standing.done}/{standing.total}" if standing.total else standing.stage


def plain(*columns: tuple[str, str]) -> Table:
    """A table without lines; a column is its header and its side. Networks' names give way first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name, side in columns:
        if name == "network":
            table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=4)
        else:
            table.add_column(name, justify=side, no_wrap=True, overflow="ellipsis", min_width=3)
    return table


def running(standing: Standing, width: int) -> Table:
    """The trainings on their way."""
    columns = [("trial" if standing.stage == "search" else "final", "right"), ("network", "left"), ("epoch", "right")]
    columns += [("accuracy", "right")] if width >= MIDDLE else []
    columns += [("loss", "right"), ("time", "right")] if width >= WIDE else []
    table = plain(*columns)
    for training in standing.running.values():
        known = facts(training, standing.clock())
        table.add_row(*(Text(known[name]) for name, _ in columns))
    return table


def facts(training: Training, now: float) -> dict[str, str]:
    """One training's cells."""
    beat = training.beat
    epoch = f"{beat.epoch}/{beat.epochs}" if beat.epochs else "first" if beat.steps else "starting"
    return {
        "trial": str(training.number),
        "final": str(training.number),
        "network": training.label,
        "epoch": epoch,
        "accuracy": "-" if beat.accuracy is None else f"{beat.accuracy:.4f}",
        "loss": "-" if beat.loss is None else f"{beat.loss:.4f}",
        "time": duration(now - training.started),
    }


def best(standing: Standing, width: int, lines: int) -> Table:
    """The front by family; `*` where no other family has a better one."""
    columns = [("best so far", "left"), ("network", "left"), *((name, "right") for name in standing.objectives), ("", "left")]
    columns += [("trial", "right")] if width >= WIDE else []
    table = plain(*columns)
    for one in shown(standing.ranking, lines):
        row = [one.family, one.row.label, *cells(one.row.values), "*" if one.leads else "", str(one.row.number)]
        table.add_row(*(Text(text, style="bold" if one.leads else "") for text in row[: len(columns)]))
    return table


def shown(ranking: list[Best], lines: int) -> list[Best]:
    """As many as there is room for: the best of every family first, then the next of each."""
    places: dict[str, int] = {}
    ranked = []
    for one in ranking:
        places[one.family] = places.get(one.family, -1) + 1
        ranked.append((places[one.family], one))
    kept = {id(one) for _, one in sorted(ranked, key=lambda pair: pair[0])[:lines]}
    return [one for one in ranking if id(one) in kept]


def counts(standing: Standing) -> Text:
    """How many proposals are in which state; what has not happened stands back."""
    text = Text()
    for place, (name, count) in enumerate(standing.counts().items()):
        text.append("  " if place else "")
        text.append(f"{state(name)} {count}".replace(" ", "\N{NO-BREAK SPACE}"), style="" if count else "dim")
    return text
