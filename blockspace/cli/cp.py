"""blockspace cp: a block, network, search space or study as a start for one's own."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.reader import Map, Node, Scalar

Replacement = tuple["Node", str]
ANSWER = "# Found:"  # what a study's header says of its result
SCHEMA_LINE = "# yaml-language-server: $schema="
NEXT = {"block": "blockspace show {0}", "network": "blockspace show {0}", "study": "blockspace search {0} --dry-run"}


def run(name: str, target: str | None = None, force: bool = False) -> None:
    """Copy `name` (of the library, of searchspaces/ or studies/, or a path) to `target`, by default `my_NAME.yaml` here.

    Of a library network's family, the copy holds the one that was named, with its settings as the defaults: the other names are taken.
    """
    from blockspace.errors import error
    from blockspace.files import write_atomic
    from blockspace.inputs import expand_path

    source = find_source(name)
    name = source if name.startswith("~") else name
    own = os.path.isfile(name) or os.path.isdir(name) or "#" in name
    default = f"my_{os.path.basename(source) if own else f'{name}.yaml'}"
    target = default if target is None else str(expand_path(target))
    if not target.endswith((".yaml", ".yml")):
        raise error("E-NAME", f"{target!r} is not a YAML file", help=shlex.join(["blockspace", "cp", name, f"{target.rstrip('/.')}.yaml"]))
    if os.path.exists(target) and (os.path.samefile(source, target) or not force):
        raise error("E-FILE", f"{target} already exists", help="give another name, or --force to replace it")
    kind, text = copy_text(source, target, None if own else name)
    write_atomic(target, text)
    print(f"{target}: a copy of {name}")
    print(f"next: {NEXT[kind].format(shlex.quote(target))}")
    if SCHEMA_LINE not in text:
        print(f"for your editor's settings, the schema's file: blockspace schema {kind} --path")


def find_source(name: str) -> str:
    """Return the file of a name or path. Raises BlockspaceError (E-OP) for an unknown name."""
    from blockspace.blocks import find_target
    from blockspace.cli.catalog import map_names_to_files
    from blockspace.errors import did_you_mean, error
    from blockspace.inputs import expand_path

    place = expand_path(name)
    if place.is_file():
        return str(place)
    known = map_names_to_files()
    if name in known:
        return known[name]
    if os.path.isdir(name) or "#" in name:
        return find_target(name).path
    raise error("E-OP", f"nothing called {name!r} to copy", help=did_you_mean(name, known) or "`blockspace ls` lists what there is")


def copy_text(source: str, target: str, name: str | None = None) -> tuple[str, str]:
    """Return (kind, text) of the copy: named after its file, with paths and schema adapted to its folder.

    Every comment is kept except the header's `Found:`, which is not true of a copy. `name` is the name of a library network, which may be
    one of the file's variants.
    """
    from blockspace.errors import error
    from blockspace.reader import Map, Scalar, parse_yaml
    from blockspace.schema import modeline

    text = read_source(source, name)
    root = parse_yaml(text, source)
    kind = next((key for key in NEXT if isinstance(root, Map) and isinstance(root.get(key), Scalar)), None)
    if kind is None or not isinstance(root, Map):
        raise error("E-KEY", f"{source} is not a block, network or study", help="`blockspace ls` lists what can be copied")
    stem = derive_name(target, kind)
    text = replace_nodes(text, list_replacements(root, kind, stem, source, target))
    text = text.replace(f"{os.path.basename(os.path.dirname(os.path.abspath(source)))}/{os.path.basename(source)}", target)
    lines = [line for line in drop_found_header(text.splitlines()) if not line.startswith(SCHEMA_LINE)]
    return kind, "\n".join([*filter(None, [modeline(kind, target)]), *lines]) + "\n"


def drop_found_header(lines: list[str]) -> list[str]:
    """Return the lines without the header's `# Found:` and its indented continuation lines."""
    start = next((i for i, line in enumerate(lines) if line.startswith(ANSWER)), len(lines))
    end = next((i for i, line in enumerate(lines[start + 1 :], start + 1) if not line.startswith("#  ")), len(lines))
    return lines[:start] + lines[end:]


def read_source(source: str, name: str | None) -> str:
    """Return the file's text; for a library network's family, reduced to the member called `name`."""
    from blockspace.blocks import find_file, load
    from blockspace.cli.inline_variant import inline_variant
    from blockspace.reader import read_yaml

    read_yaml(source)  # what cannot be read is refused here
    with open(source, encoding="utf-8-sig") as file:
        text = file.read()
    if name is None or not find_file(name, "network"):
        return text
    member = load(name)
    return inline_variant(text, name, {"doc": member.doc, "paper": member.paper, "reference": member.reference})


def derive_name(target: str, kind: str) -> str:
    """Return the target's name as a block, network or study name. Raises BlockspaceError (E-NAME) for an invalid one."""
    from blockspace.errors import error

    stem = os.path.splitext(os.path.basename(target))[0]
    letters = "a-z" if kind == "study" else "A-Za-z"
    if not re.fullmatch(rf"[{letters}0-9][{letters}0-9._-]{{0,63}}", stem):
        raise error("E-NAME", f"{stem!r} cannot be the name of a {kind}", help="letters, digits, '_', '-', '.', at most 64")
    return stem


def list_replacements(root: Map, kind: str, stem: str, source: str, target: str) -> list[Replacement]:
    """Return (node, new text) for the name and for paths relative to the file."""
    from blockspace.reader import Scalar

    found: list[Replacement] = [(root.items[kind], stem)]
    out, space = root.get("out"), root.get("space")
    if kind == "study" and isinstance(out, Scalar):
        found.append((out, f"runs/{stem}"))
    if kind == "study":
        found += follow_local_paths(root, source, target)
    found += rebase_imports(root, source, target)
    if kind == "study" and isinstance(space, Scalar) and not any(node is space for node, _ in found):
        found += rebase_path(space, source, target) or check_library_space(space, source)
    return found


def follow_local_paths(root: Map, source: str, target: str) -> list[Replacement]:
    """Return (node, new text) for the paths of a run directory's study that lead elsewhere on this machine, but for `out`."""
    from blockspace.records import RunDir
    from blockspace.study import list_leading

    run = RunDir.of(os.path.dirname(source) or ".")
    if not os.path.samefile(source, run.study_yaml if run.is_study else os.devnull):
        return []
    found = [(above.items[key], path) for above, key, path in list_leading(root, run) if key != "out"]
    return [(node, json.dumps(path, ensure_ascii=False)) for node, path in found]


def rebase_imports(root: Map, source: str, target: str) -> list[Replacement]:
    """Return (node, new text) for the files in `blocks:`, also of blocks that are written there."""
    from blockspace.reader import Map

    imports = root.get("blocks")
    found = []
    for node in imports.items.values() if isinstance(imports, Map) else []:
        found += rebase_imports(node, source, target) if isinstance(node, Map) else rebase_path(node, source, target)
    return found


def rebase_path(node: Node, source: str, target: str) -> list[Replacement]:
    """Return (node, new text) for a path relative to the file; empty where there is no such file."""
    from blockspace.reader import Scalar

    place = os.path.join(os.path.dirname(source), node.text) if isinstance(node, Scalar) else ""
    if not os.path.isfile(place):
        return []
    if shipped := find_shipped_name(place):
        return [(node, shipped)]
    folder, name = os.path.split(place)
    path = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(os.path.dirname(target)))
    return [(node, path if re.fullmatch(r"[\w./-]+", path) else json.dumps(path, ensure_ascii=False))]


def find_shipped_name(path: str) -> str | None:
    """Return the name of a search space that the package has inside it, since its path is another on every machine."""
    from blockspace.shipped import list_shipped

    name = os.path.splitext(os.path.basename(path))[0]
    found = list_shipped("space").get(name)
    inside = found is not None and os.path.basename(os.path.dirname(os.path.dirname(found))) == "shipped"
    return name if found and inside and os.path.samefile(found, path) else None


def check_library_space(node: Scalar, source: str) -> list[Replacement]:
    """Return no change for a space of the library. Raises BlockspaceError (E-FILE) for a missing one: the copy could not run."""
    from blockspace.blocks import find_file
    from blockspace.errors import error
    from blockspace.shipped import find_shipped

    if find_file(node.text, "network") or find_shipped(node.text, "space"):
        return []
    raise error("E-FILE", f"{source}: its space {node.text!r} does not exist", node.mark, "correct its `space:`, then copy it")


def replace_nodes(text: str, found: list[Replacement]) -> str:
    """Return the text with each node's text replaced, the last first, so that earlier positions stay valid."""
    lines = text.split("\n")
    for node, text in sorted(found, key=lambda pair: (pair[0].mark.line, pair[0].mark.column), reverse=True):
        line, at = lines[node.mark.line - 1], node.mark.column - 1
        lines[node.mark.line - 1] = line[:at] + text + line[at + node.mark.length :]
    return "\n".join(lines)


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_names

    @app.command(epilog="blockspace cp resnext my_block.yaml")
    def cp(
        name: str = typer.Argument(help="a name that `blockspace ls` lists, or a YAML file", autocompletion=complete_names),
        target: str = typer.Argument(None, help="the file to write (default: my_NAME.yaml)"),
        force: bool = typer.Option(False, "--force", help="Replace the file when it is there."),
    ) -> None:
        """Copy a block, network, search space or study, as a start for your own."""
        run(name, target, force)
