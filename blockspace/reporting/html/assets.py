"""The page's style sheets and script, kept as files of their own."""

from __future__ import annotations

from importlib.resources import files


def static(*names: str) -> str:
    """Files of this package's `static` folder, one after the other."""
    folder = files("blockspace.reporting.html") / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
