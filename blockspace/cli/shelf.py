"""What there is to name on a command line: the library, and the search spaces and studies below the current folder."""

from __future__ import annotations

import os

FOLDERS = {"space": "searchspaces", "study": "studies"}


def files(kind: str) -> dict[str, str]:
    """The YAML files of one kind by name: `block` and `network` of the library, `space` and `study` of the folders beside us."""
    if kind in ("block", "network"):
        from blockspace.blocks import find, names

        return {name: find(name, kind) for name in names(kind)}
    folder = FOLDERS[kind]
    found = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {name[:-5]: os.path.join(folder, name) for name in found if name.endswith(".yaml")}


def everywhere() -> dict[str, str]:
    """Every name with its file; of a space and a study of one name, the study has it."""
    return {name: path for kind in ("block", "network", "space", "study") for name, path in files(kind).items()}


def doc_of(path: str) -> str:
    """The `doc:` of a file, found without reading it as YAML; empty when it has none."""
    with open(path, encoding="utf-8", errors="replace") as file:
        line = next((line for line in file if line.startswith("doc:")), "")
    return line.removeprefix("doc:").strip().strip("'\"")
