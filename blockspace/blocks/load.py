"""Load blocks and networks by library name, path, folder or trial."""

from __future__ import annotations

from os import PathLike
from typing import Any

from blockspace.blocks.network import Network
from blockspace.blocks.targets import Target, find_target
from blockspace.blocks.template import Block
from blockspace.blocks.template_file import read_template_file
from blockspace.blocks.variants import SETTING
from blockspace.errors import BlockspaceError, error
from blockspace.inputs import PATH, VALUE, check_arguments


@check_arguments(name=PATH, others=VALUE)
def load(name: str | PathLike[str], /, **settings: Any) -> Block | Network:
    """Return a block or network, with params bound to `settings`.

    `name` is a name of the library, the path of a YAML file, the folder of an export or of a training, or `RUN#17` or `RUN#name`: a trial
    or a finalist of a study. A network's `variants:` are found by their names in the library, and in any file by the setting
    `variant="NAME"`; other settings win. What is known of a found network's training is its `trained`.

    Raises BlockspaceError: E-FILE for no such file, E-OP for no such name, and every mistake of the file.
    """
    found = load_unchecked(name, **settings)
    if found.file.mistakes:
        raise BlockspaceError(*found.file.mistakes)
    return found


def load_unchecked(name: str | PathLike[str], /, **settings: Any) -> Block | Network:
    """Return the same as `load`, with mistakes left for `graph()` to raise together with those that only values and shapes show."""
    return load_target(find_target(name), **settings)


def load_target(target: Target, /, **settings: Any) -> Block | Network:
    """Return the block or network of a target, as `load_unchecked` does. Raises BlockspaceError (E-FILE) for a graph in JSON."""
    if target.path.endswith(".json"):
        help = "`show`, `check`, `compare` and `export` read it, as do bs.cost, bs.compile and bs.export; a network to train is a YAML file"
        raise error("E-FILE", f"{target.path} is one graph in networkx's node-link form, where a block or network is wanted", help=help)
    file = read_template_file(target.path)
    given = {SETTING: target.name, **settings} if target.name in file.variants else settings
    if file.kind == "block":
        return Block(file, given)
    return Network(file, given, folder=None if settings else target.folder)
