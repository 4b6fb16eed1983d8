"""Load blocks and networks by library name or path: the one place where a name becomes a file."""

from __future__ import annotations

import os
from os import PathLike
from typing import Any

from blockspace.blocks.library_files import find_file, list_names
from blockspace.blocks.network import Network
from blockspace.blocks.template import Block
from blockspace.blocks.template_file import read_template_file
from blockspace.blocks.variants import SETTING
from blockspace.errors import BlockspaceError, did_you_mean, error
from blockspace.files import ARCH
from blockspace.inputs import PATH, VALUE, check_arguments, expand_path
from blockspace.shipped import find_shipped, list_shipped


@check_arguments(name=PATH, others=VALUE)
def load(name: str | PathLike[str], /, **settings: Any) -> Block | Network:
    """Return the block or network called `name` in the library, or in the YAML file at that path, with params bound to `settings`.

    A network's `variants:` are found by their names in the library, and in any file by the setting `variant="NAME"`; other settings win.
    Raises BlockspaceError: E-FILE for no such file, E-OP for no such name, and every mistake of the file.
    """
    found = load_unchecked(name, **settings)
    if found.file.mistakes:
        raise BlockspaceError(*found.file.mistakes)
    return found


def load_unchecked(name: str | PathLike[str], /, **settings: Any) -> Block | Network:
    """Return the same as `load`, with mistakes left for `graph()` to raise together with those that only values and shapes show."""
    name = os.fspath(name)
    path = resolve_path(name)
    file = read_template_file(path)
    if name in file.variants and not os.path.isfile(name):
        settings = {SETTING: name, **settings}
    return (Block if file.kind == "block" else Network)(file, settings)


def resolve_path(name: str) -> str:
    """Return the path of a file, of a library name, or of a shipped search space. Raises BlockspaceError (E-FILE, E-OP)."""
    path = str(expand_path(name)) if name.startswith("~") else name
    if os.path.isfile(path):
        return path
    found = find_file(name, "block") or find_file(name, "network") or find_shipped(name, "space")
    if found:
        return found
    if os.path.isdir(expand_path(name)):
        raise folder_error(name)
    if name.endswith((".yaml", ".yml", ".json")) or os.sep in name:
        raise error("E-FILE", f"no file {name!r}", help="give a path to a YAML file, or a library name")
    known = [*list_names("block"), *list_names("network"), *list_shipped("space")]
    raise error("E-OP", f"no block or network called {name!r}", help=did_you_mean(name, known) or "`blockspace ls` lists them all")


def folder_error(name: str) -> BlockspaceError:
    """Return E-FILE for a folder where a file is wanted, with the network file or the files that it holds."""
    folder = expand_path(name)
    files = sorted(path.name for path in folder.glob("*.yaml") if path.is_file())
    found = next((file for file in (ARCH, *files) if file in files), None)
    help = f"its network file: {os.path.join(name, found)}" if found == ARCH else f"it holds {found}" if found else "it holds no YAML file"
    return error("E-FILE", f"{name!r} is a folder; a file is wanted", help=help)
