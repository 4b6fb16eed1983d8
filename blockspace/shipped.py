"""Studies and search spaces that come with the package.

They lie at the top of the repository, in `studies/` and `searchspaces/`; `setup.py` copies both into `blockspace/shipped/` of a wheel.
"""

from __future__ import annotations

import os
from functools import cache

SHIPPED_FOLDERS = {"space": "searchspaces", "study": "studies"}
_PACKAGE = os.path.dirname(os.path.abspath(__file__))


@cache
def list_shipped(kind: str) -> dict[str, str]:
    """Return the shipped files of one kind, `space` or `study`, by name; none where the package is not whole."""
    installed = os.path.join(_PACKAGE, "shipped")
    checkout = os.path.dirname(_PACKAGE)
    root = installed if os.path.isdir(installed) else checkout if os.path.isfile(os.path.join(checkout, "pyproject.toml")) else None
    folder = os.path.join(root, SHIPPED_FOLDERS[kind]) if root else ""
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {name[:-5]: os.path.join(folder, name) for name in names if name.endswith(".yaml")}


def find_shipped(name: str, kind: str) -> str | None:
    """Return the file of a shipped space or study, or None for another name."""
    return list_shipped(kind).get(name)
