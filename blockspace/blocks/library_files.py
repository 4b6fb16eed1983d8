"""The shipped blocks and networks: YAML files inside the package, found by glob, and the variants that network files name."""

from __future__ import annotations

import os
import re
from functools import cache

FOLDER = os.path.join(os.path.dirname(__file__), "library")
FOLDERS = {"block": FOLDER, "network": os.path.join(FOLDER, "networks")}


@cache
def _list_folder(kind: str) -> dict[str, str]:
    folder = FOLDERS[kind]
    return {name[:-5]: os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".yaml")}


@cache
def _list_variants() -> dict[str, str]:
    """Return every variant with the network file it stands in, found in the text, since parsing all files as YAML takes too long."""
    files = _list_folder("network")
    return {name: path for path in files.values() for name in scan_variants(path) if name not in files}


def scan_variants(path: str) -> list[str]:
    """Return the keys below a line `variants:` that are indented as the first of them."""
    with open(path, encoding="utf-8") as file:
        section = re.search(r"^variants:[^\n]*\n((?:[ \t#][^\n]*\n|\n)*)", file.read() + "\n", re.MULTILINE)
    rows = [match for match in re.finditer(r"^( +)([\w.-]+):", section[1], re.MULTILINE)] if section else []
    return [row[2] for row in rows if row[1] == rows[0][1]]


def list_families() -> list[str]:
    """Return the names of the networks that have a file of their own."""
    return list(_list_folder("network"))


def list_library_files(kind: str) -> dict[str, str]:
    """Return the library's files by name: of every `block`, or of every `network`, variants with the file of their family."""
    return dict(sorted({**_list_folder(kind), **_list_variants()}.items())) if kind == "network" else _list_folder(kind)


def list_names(kind: str) -> list[str]:
    """Return the library's names of one kind, `block` or `network`."""
    return list(list_library_files(kind))


def find_file(name: str, kind: str) -> str | None:
    """Return the file of a library block or network (a variant's is its family's), or None."""
    return _list_folder(kind).get(name) or (_list_variants().get(name) if kind == "network" else None)
