"""Progress of a study on stderr: a live picture on a terminal, one line a trial elsewhere."""

from blockspace.cli.progress.listener import Progress

__all__ = ["Progress"]
