"""Listen to a study's events: draw on a terminal, print lines elsewhere, or nothing when quiet."""

from __future__ import annotations

import sys
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, TextIO

from blockspace.cli.progress.progress_lines import format_event, format_summary
from blockspace.cli.progress.progress_state import ProgressState
from blockspace.cli.progress.terminal import open_console
from blockspace.records import (
    Event,
    FinalistTrained,
    RecipeTried,
    SearchEnded,
    StudyStarted,
    TrainingDir,
    TrainingRequeued,
    TrainingRetried,
    TrainingStarted,
    TrialFinished,
    Warned,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live


class Progress:
    """Show progress: on a terminal a view refreshed four times a second, elsewhere a line per trial.

    Called with each event. `quiet`: neither. `verbose`: also the trainings' logs. Use it as a context manager; leaving it clears the view.
    """

    def __init__(self, stream: TextIO | None = None, verbose: bool = False, quiet: bool = False, console: Console | None = None):
        self.stream = stream or sys.stderr
        self.quiet, self.tails = quiet, LogTail() if verbose else None
        self.state, self.lock = ProgressState(), RLock()  # the picture is drawn in a thread of its own
        self.console = console or open_console(self.stream, quiet)
        self.live: Live | None = None

    def __enter__(self) -> Progress:
        if self.console is not None:
            from rich.live import Live

            self.live = Live(get_renderable=self.draw, console=self.console, transient=True, refresh_per_second=4)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Clear the view and restore the terminal."""
        live, self.live = self.live, None
        if live is not None:
            live.stop()

    def draw(self) -> RenderableType:
        """Return what is shown now, in the console's size."""
        from blockspace.cli.progress.live_view import render_progress

        assert self.console is not None  # drawn on a terminal only
        with self.lock:
            return render_progress(self.state, self.console.width, self.console.height)

    def __call__(self, event: Event) -> None:
        """Update the state with one event, and the display."""
        with self.lock:
            self.state.update(event)
        for text in self.log_lines(event):
            self.say(text)
        prints_all = self.console is None and not self.quiet
        if prints_all or (isinstance(event, (StudyStarted, SearchEnded)) and not self.quiet) or isinstance(event, Warned):
            self.say(format_event(event, self.state))

    def log_lines(self, event: Event) -> list[str]:
        """Return what the trainings have written since the last event."""
        if self.tails is None:
            return []
        if isinstance(event, TrainingStarted):
            self.tails.follow(event.number, event.folder)
        last: list[str] = []
        if isinstance(event, (TrialFinished, FinalistTrained, RecipeTried, TrainingRequeued, TrainingRetried)):
            last = self.tails.leave(event.number)
        return [*last, *self.tails.read_all()]

    def say(self, text: str | None) -> None:
        """Print a line, above the view where there is one. A closed terminal is not an error."""
        if not text:
            return
        if self.live is not None and self.console is not None:
            from rich.text import Text

            self.console.print(Text(text))
            return
        try:
            print(text, file=self.stream, flush=True)
        except (OSError, ValueError):
            pass

    def summary(self) -> str:
        """Return the results so far, for the end of an interrupted run."""
        return format_summary(self.state)


class LogTail:
    """Follow the log.txt of each running training."""

    def __init__(self) -> None:
        self.places: dict[int, tuple[Path, int]] = {}

    def follow(self, number: int, folder: str) -> None:
        """Start to follow a training's log."""
        self.places[number] = TrainingDir(Path(folder)).log, 0

    def read(self, number: int, whole: bool = False) -> list[str]:
        """Return a training's new lines, as `[17] ...`; with `whole` also an unfinished last one."""
        path, offset = self.places[number]
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read()
        except OSError:
            return []
        taken = data if whole else data[: data.rfind(b"\n") + 1]
        self.places[number] = path, offset + len(taken)
        return [f"[{number}] {line}" for line in taken.decode(errors="replace").splitlines() if line.strip()]

    def read_all(self) -> list[str]:
        """Return the new lines of all trainings."""
        return [line for number in list(self.places) for line in self.read(number)]

    def leave(self, number: int) -> list[str]:
        """Return a finished training's last lines and stop following it."""
        lines = self.read(number, whole=True) if number in self.places else []
        self.places.pop(number, None)
        return lines
