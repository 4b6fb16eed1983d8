"""The files that a template is read from: its own and the block files that it imports, as texts that stay together in one folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from blockspace.blocks.network import Network
from blockspace.blocks.template import Block
from blockspace.blocks.template_file import TemplateFile
from blockspace.errors import Mark
from blockspace.reader import Scalar


def gather_template_files(template: Block | Network) -> dict[str, str] | None:
    """Return the text of the template's file and of every block file that it imports, by names for one folder, its own first.

    A text is the file's own, to the letter, but for paths under `blocks:` that would lead elsewhere: those name the file beside it.
    Blocks of the library are not among them. None where a text cannot be given: for a member of a family, which no file says alone, and
    for a path that is written in a way that cannot be replaced.
    """
    if template.file.family is not template.file:
        return None
    names = name_files(template.file)
    texts = {}
    for name, file in names.values():
        text = relate_imports(file, {other: given for other, (given, _) in names.items()})
        if text is None:
            return None
        texts[name] = text
    return texts


def name_files(file: TemplateFile) -> dict[str, tuple[str, TemplateFile]]:
    """Return each file by its path, with a name that no other has, the given one first."""
    found: dict[str, tuple[str, TemplateFile]] = {}
    waiting = [file]
    while waiting:
        one = waiting.pop(0)
        if one.path not in found:
            found[one.path] = free_name(one.path, {name.lower() for name, _ in found.values()}), one
            waiting += [other for _, _, other in list_imports(one)]
    return found


def free_name(path: str, taken: set[str]) -> str:
    """Return the file's name, with a number where another file has it; letters that YAML or a file system may read otherwise are `_`."""
    stem, ending = os.path.splitext(re.sub(r"[^A-Za-z0-9._-]", "_", os.path.basename(path)))
    stem = stem.lstrip(".-") or "file"
    names = (f"{stem}{ending}" if number == 1 else f"{stem}_{number}{ending}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name.lower() not in taken)


def list_imports(file: TemplateFile) -> Iterator[tuple[str, Mark, TemplateFile]]:
    """Yield the path as written, its place, and the file, for every file that `blocks:` names, also in blocks that lie in this file."""
    for word, unit in file.imported.items():
        node, _ = file.imports[word]
        if isinstance(node, Scalar):
            yield node.text, node.mark, unit
        else:
            yield from list_imports(unit)


def relate_imports(file: TemplateFile, names: dict[str, str]) -> str | None:
    """Return the file's text with the files that it imports named as `names` has them by path; None where a path cannot be replaced."""
    text = file.root.mark.source.text
    lines = text.splitlines(keepends=True)
    changes: dict[tuple[int, int], tuple[str, str]] = {}
    for written, mark, other in list_imports(file):
        name = names[other.path]
        if os.path.normpath(written) != name:
            changes[mark.line, mark.column] = written, f"./{name}"
    for (line, column), (written, new) in sorted(changes.items(), reverse=True):
        place = lines[line - 1].find(written, column - 1)
        if place < 0:
            return None
        lines[line - 1] = lines[line - 1][:place] + new + lines[line - 1][place + len(written) :]
    return "".join(lines)
