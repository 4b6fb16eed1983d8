"""The shipped blocks and networks: YAML files inside the package, found by glob."""

from __future__ import annotations

import os
from functools import cache

FOLDER = os.path.join(os.path.dirname(__file__), "library")
FOLDERS = {"block": FOLDER, "network": os.path.join(FOLDER, "networks")}


@cache
def _listing(kind: str) -> dict[str, str]:
    folder = FOLDERS[kind]
    return {name[:-5]: os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".yaml")}


def names(kind: str) -> list[str]:
    """The library's names of one kind: `block` or `network`."""
    return list(_listing(kind))


def find(name: str, kind: str) -> str | None:
    """The file of a library block or network, or None."""
    return _listing(kind).get(name)
