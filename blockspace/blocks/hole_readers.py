"""Which holes and unknowns size the input, and which of them nothing else reads: found by the names in a file, before any expansion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from blockspace.blocks.holes import Holes, list_parts
from blockspace.blocks.template_file import TemplateFile
from blockspace.reader import Map, Node, Scalar, Seq

WORD = re.compile(r"[A-Za-z_]\w*")
READ_BY_NAME = ("out_channels", "stride")  # a `shortcut` reads these where it is not told


def find_input_holes(holes: Holes) -> frozenset[str]:
    """Return the names of the holes and unknowns that `input:` of the file holds, or reads through params and lets."""
    node = holes.file.input
    return frozenset() if node is None else _select(holes, {"input", *_close(holes.file, _list_words(node))})


def find_idle_holes(holes: Holes, fixed: Iterable[str] = ()) -> frozenset[str]:
    """Return the names of the holes and unknowns of params, lets and `input:` that no step, rule or default of the file reads.

    `fixed` are params that have a value, so that nothing is read through them.
    """
    file = holes.file
    nodes = [*file.sections.values(), file.flow, *file.requires, *file.defaults.values()]
    for part in file.parts.values():
        values = (*(param.node for param in part.params.values()), *part.lets.values(), *part.defaults.values())
        nodes += [part.flow, *part.requires, *values]
    read = _close(file, {*READ_BY_NAME, *(word for node in nodes for word in _list_words(node))}, fixed)
    return frozenset(holes.declared_names()) - _select(holes, read)


def _select(holes: Holes, names: set[str]) -> frozenset[str]:
    """Return the holes and unknowns that are declared in one of these params and lets."""
    return frozenset(one for name, owner in holes.declared.items() if owner in names for one in list_parts(name))


def _close(file: TemplateFile, words: Iterable[str], fixed: Iterable[str] = ()) -> set[str]:
    """Return the params and lets of the file among `words`, and those that their own declarations read."""
    declared = {name: param.node for name, param in file.params.items()} | file.lets
    found: set[str] = set()
    waiting = [word for word in words if word in declared]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [] if name in fixed else [word for word in _list_words(declared[name]) if word in declared]
    return found


def _list_words(node: Node) -> Iterator[str]:
    """Yield the words of every value below a node, `doc:` left out."""
    if isinstance(node, Scalar):
        yield from WORD.findall(node.text)
    elif isinstance(node, Seq):
        for item in node.items:
            yield from _list_words(item)
    elif isinstance(node, Map):
        for key, value in node.items.items():
            if key != "doc":
                yield from _list_words(value)
