"""Show the progress of a single training: a bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from blockspace.cli.progress.terminal import open_console
from blockspace.quantities import find_quantity
from blockspace.records import EpochEnded, Event, NetworkTrainingStarted, TrainingFound

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class EpochProgress:
    """Show one training's progress on stderr: a bar on a terminal, a line per epoch elsewhere."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None):
        self.stream, self.quiet = stream or sys.stderr, quiet
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    def __enter__(self) -> EpochProgress:
        console = open_console(self.stream, self.quiet)
        if console is not None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
            self.bar = Progress(*columns, console=console, transient=True)
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.console.print(text, highlight=False, markup=False)
            return
        try:
            print(text, file=self.stream, flush=True)
        except (OSError, ValueError):  # nobody reads it
            pass

    def __call__(self, event: Event) -> None:
        """Update the display with one event."""
        if isinstance(event, NetworkTrainingStarted):
            self.start(event)
        elif isinstance(event, TrainingFound):
            self.say(f"{event.folder} holds this training, finished")
        elif isinstance(event, EpochEnded):
            self.advance(event)

    def start(self, event: NetworkTrainingStarted) -> None:
        """Say the notes, and begin the bar."""
        for note in event.notes:
            self.say(note)
        if self.bar is not None:
            self.task = self.bar.add_task("", total=event.epochs)

    def advance(self, event: EpochEnded) -> None:
        """Show a finished epoch."""
        line = format_epoch(event)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=event.epoch, description=line)
        else:
            left = (event.epochs - event.epoch) * event.seconds
            ahead = f"  about {left:.0f} s left" if left else ""
            self.say(f"epoch {event.epoch}/{event.epochs}  {line}  {event.seconds:.1f} s{ahead}")


def format_epoch(event: EpochEnded) -> str:
    """Return an epoch's numbers as text."""
    val = "".join(f"  {name} {find_quantity(name).format_stored(value)}" for name, value in event.metrics.items())
    return f"loss {event.loss:.4f}{val}  lr {event.lr:.3g}"
