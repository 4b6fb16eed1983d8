"""The listener of a study's events: draws on a terminal, prints lines elsewhere, keeps still when asked to."""

from __future__ import annotations

import sys
from threading import RLock
from typing import TYPE_CHECKING

from blockspace.cli.progress.lines import format_event, summary
from blockspace.cli.progress.standing import Standing
from blockspace.cli.progress.tails import Tails
from blockspace.records import (
    Event,
    FinalistTrained,
    SearchEnded,
    StudyStarted,
    TrainingRequeued,
    TrainingRetried,
    TrainingStarted,
    TrialFinished,
    Warned,
)

if TYPE_CHECKING:
    from rich.live import Live


class Progress:
    """Called with each event. On a terminal a picture that is drawn anew four times a second; elsewhere one line a trial.

    `quiet`: neither. `verbose`: also what the trainings write to their logs. Use it as a context manager: leaving it wipes the picture.
    """

    def __init__(self, stream=None, verbose: bool = False, quiet: bool = False, console=None):
        self.stream = stream or sys.stderr
        self.quiet, self.tails = quiet, Tails() if verbose else None
        self.standing, self.lock = Standing(), RLock()  # the picture is drawn in a thread of its own
        self.console = console or self.terminal()
        self.live: Live | None = None

    def terminal(self):
        """A console where a person watches a terminal that can be drawn on, else None. It heeds NO_COLOR."""
        if self.quiet or not self.stream.isatty():
            return None
        from rich.console import Console

        console = Console(file=self.stream)
        return None if console.is_dumb_terminal else console

    def __enter__(self) -> Progress:
        if self.console is not None:
            from rich.live import Live

            self.live = Live(get_renderable=self.draw, console=self.console, transient=True, refresh_per_second=4)
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        live, self.live = self.live, None
        if live is not None:
            live.stop()

    def draw(self):
        from blockspace.cli.progress.picture import picture

        with self.lock:
            return picture(self.standing, self.console.width, self.console.height)

    def __call__(self, event: Event) -> None:
        with self.lock:
            self.standing.update(event)
        for text in self.log_lines(event):
            self.say(text)
        prints_all = self.console is None and not self.quiet
        if prints_all or (isinstance(event, (StudyStarted, SearchEnded)) and not self.quiet) or isinstance(event, Warned):
            self.say(format_event(event, self.standing))

    def log_lines(self, event: Event) -> list[str]:
        """Return what the trainings have written since the last event."""
        if self.tails is None:
            return []
        if isinstance(event, TrainingStarted):
            self.tails.follow(event.number, event.folder)
        last: list[str] = []
        if isinstance(event, (TrialFinished, FinalistTrained, TrainingRequeued, TrainingRetried)):
            last = self.tails.leave(event.number)
        return [*last, *self.tails.read_all()]

    def say(self, text: str | None) -> None:
        """One line, above the picture where there is one. A terminal that was closed is no reason to fail."""
        if not text:
            return
        if self.live is not None:
            from rich.text import Text

            self.console.print(Text(text))
            return
        try:
            print(text, file=self.stream, flush=True)
        except OSError:
            pass

    def summary(self) -> str:
        """What there is so far, for the end of an interrupted run."""
        return summary(self.standing)
