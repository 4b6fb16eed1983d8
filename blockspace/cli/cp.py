"""blockspace cp: a block, network, search space or study as a start for one's own."""

from __future__ import annotations

import json
import os
import re

ANSWER = "# Found:"  # what a study's header says of its result
SCHEMA_LINE = "# yaml-language-server: $schema="
NEXT = {"block": "blockspace show {0}", "network": "blockspace show {0}", "study": "blockspace search {0} --dry-run"}


def run(name: str, target: str | None = None, force: bool = False) -> None:
    """Copy `name` (of the library, of searchspaces/ or studies/, or a path) to `target`, by default `my_NAME.yaml` here.

    Of a library network's family, the copy holds the one that was named, with its settings as the defaults: the other names are taken.
    """
    from blockspace.errors import error
    from blockspace.files import write_atomic

    source = found(name)
    target = target or f"my_{os.path.basename(source) if os.path.isfile(name) else f'{name}.yaml'}"
    if not target.endswith((".yaml", ".yml")):
        raise error("E-NAME", f"{target!r} is no YAML file", help=f"blockspace cp {name} {target.rstrip('/.')}.yaml")
    if os.path.exists(target) and (os.path.samefile(source, target) or not force):
        raise error("E-FILE", f"{target} is there already", help="give another name, or --force to replace it")
    kind, text = copied(source, target, None if os.path.isfile(name) else name)
    write_atomic(target, text)
    print(f"{target}: a copy of {name}")
    print(f"next: {NEXT[kind].format(target)}")


def found(name: str) -> str:
    """The file that a name or path stands for."""
    from blockspace.cli.shelf import everywhere
    from blockspace.errors import did_you_mean, error

    if os.path.isfile(name):
        return name
    known = everywhere()
    if name in known:
        return known[name]
    raise error("E-OP", f"there is no {name!r} to copy", help=did_you_mean(name, known) or "`blockspace ls` lists what there is")


def copied(source: str, target: str, name: str | None = None) -> tuple[str, str]:
    """(kind, text) of the copy: named after its file, its paths and its schema right for where it stands.

    Every comment is kept but the header's `Found:`, which is not true of a copy. `name` is that of a network of the library, which may be
    one of the file's variants.
    """
    from blockspace.errors import error
    from blockspace.reader import Map, Scalar, parse_yaml
    from blockspace.schema import modeline

    text = written(source, name)
    root = parse_yaml(text, source)
    kind = next((key for key in NEXT if isinstance(root, Map) and isinstance(root.get(key), Scalar)), None)
    if kind is None:
        raise error("E-KEY", f"{source} is no block, network or study", help="`blockspace ls` lists what can be copied")
    stem = stem_of(target, kind)
    text = replaced(text, changes(root, kind, stem, source, target))
    text = text.replace(f"{os.path.basename(os.path.dirname(os.path.abspath(source)))}/{os.path.basename(source)}", target)
    lines = [line for line in unanswered(text.splitlines()) if not line.startswith(SCHEMA_LINE)]
    return kind, "\n".join([modeline(kind, target), *lines]) + "\n"


def unanswered(lines: list[str]) -> list[str]:
    """The lines without the header's `# Found:` and the lines that go on with it, which are set in."""
    start = next((i for i, line in enumerate(lines) if line.startswith(ANSWER)), len(lines))
    end = next((i for i, line in enumerate(lines[start + 1 :], start + 1) if not line.startswith("#  ")), len(lines))
    return lines[:start] + lines[end:]


def written(source: str, name: str | None) -> str:
    """The file's text; of a library network's family, for the one called `name` alone."""
    from blockspace.blocks import find_file, load
    from blockspace.cli.alone import alone
    from blockspace.reader import read_yaml

    read_yaml(source)  # what cannot be read is refused here
    with open(source, encoding="utf-8-sig") as file:
        text = file.read()
    if name is None or not find_file(name, "network"):
        return text
    member = load(name)
    return alone(text, name, {"doc": member.doc, "paper": member.paper, "reference": member.reference})


def stem_of(target: str, kind: str) -> str:
    """The target's name as a block's, network's or study's. Raises E-NAME where it cannot be one."""
    from blockspace.errors import error

    stem = os.path.splitext(os.path.basename(target))[0]
    letters = "a-z" if kind == "study" else "A-Za-z"
    if not re.fullmatch(rf"[{letters}0-9][{letters}0-9._-]{{0,63}}", stem):
        raise error("E-NAME", f"{stem!r} cannot be the name of a {kind}", help="letters, digits, '_', '-', '.', at most 64")
    return stem


def changes(root, kind: str, stem: str, source: str, target: str) -> list[tuple]:
    """(node, new text): the name, and paths that are relative to the file."""
    from blockspace.reader import Map, Scalar

    found = [(root.get(kind), stem)]
    if kind == "study" and isinstance(root.get("out"), Scalar):
        found.append((root.get("out"), f"runs/{stem}"))
    imports = root.get("blocks")
    for node in imports.items.values() if isinstance(imports, Map) else []:
        found += moved(node, source, target)
    if kind == "study" and isinstance(root.get("space"), Scalar):
        found += moved(root.get("space"), source, target) or of_library(root.get("space"), source)
    return found


def moved(node, source: str, target: str) -> list[tuple]:
    """(node, new text) for a path that is relative to the file; nothing where there is no such file."""
    from blockspace.reader import Scalar

    place = os.path.join(os.path.dirname(source), node.text) if isinstance(node, Scalar) else ""
    if not os.path.isfile(place):
        return []
    folder, name = os.path.split(place)
    path = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(os.path.dirname(target)))
    return [(node, path if re.fullmatch(r"[\w./-]+", path) else json.dumps(path, ensure_ascii=False))]


def of_library(node, source: str) -> list[tuple]:
    """No change for a space that is a network of the library. Raises E-FILE for one that is nowhere: the copy could not run."""
    from blockspace.blocks import find_file
    from blockspace.errors import error

    if find_file(node.text, "network"):
        return []
    raise error("E-FILE", f"{source}: its space {node.text!r} is not there", node.mark, "correct its `space:`, then copy it")


def replaced(text: str, found: list[tuple]) -> str:
    """The text with each node's words exchanged, the last first, so that the places of the others hold."""
    lines = text.split("\n")
    for node, text in sorted(found, key=lambda pair: (pair[0].mark.line, pair[0].mark.column), reverse=True):
        line, at = lines[node.mark.line - 1], node.mark.column - 1
        lines[node.mark.line - 1] = line[:at] + text + line[at + node.mark.length :]
    return "\n".join(lines)


def register(app) -> None:
    import typer

    from blockspace.cli.complete import everything

    @app.command(epilog="blockspace cp resnext my_block.yaml")
    def cp(
        name: str = typer.Argument(help="a name that `blockspace ls` lists, or a YAML file", autocompletion=everything),
        target: str = typer.Argument(None, help="the file to write (default: my_NAME.yaml)"),
        force: bool = typer.Option(False, "--force", help="Replace the file when it is there."),
    ) -> None:
        """Copy a block, network, search space or study, as a start for your own."""
        run(name, target, force)
