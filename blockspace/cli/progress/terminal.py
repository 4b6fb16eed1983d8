"""The terminal on which progress is drawn, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def open_console(stream: TextIO, quiet: bool = False) -> Console | None:
    """Return a console where the stream is a terminal that can be drawn on (not `TERM=dumb`), else None. It heeds NO_COLOR."""
    if quiet or not stream.isatty():
        return None
    from rich.console import Console

    console = Console(file=stream)
    return None if console.is_dumb_terminal else console
