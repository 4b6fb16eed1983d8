"""List what can be named: the library, operations, rules, search spaces and studies."""

from __future__ import annotations

import os

KINDS = ("blocks", "networks", "spaces", "studies", "operations", "rules")


def list_files(kind: str) -> dict[str, str]:
    """Return the YAML files of one kind by name: `block` and `network` of the library, `space` and `study` shipped and in folders here.

    A file in `searchspaces/` or `studies/` of the working directory comes before a shipped one of its name.

    A network's variants are in the file of their family.
    """
    if kind in ("block", "network"):
        from blockspace.blocks import list_library_files as shipped

        return shipped(kind)
    from blockspace.shipped import SHIPPED_FOLDERS, list_shipped

    folder = SHIPPED_FOLDERS[kind]
    found = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    here = {name[:-5]: os.path.join(folder, name) for name in found if name.endswith(".yaml")}
    return dict(sorted((list_shipped(kind) | here).items()))


def map_names_to_files() -> dict[str, str]:
    """Return every name with its file; where a space and a study share a name, the study's."""
    return {name: path for kind in ("block", "network", "space", "study") for name, path in list_files(kind).items()}


def read_doc(path: str) -> str:
    """Return the `doc:` of a file, found without parsing YAML; empty when it has none."""
    with open(path, encoding="utf-8", errors="replace") as file:
        line = next((line for line in file if line.startswith("doc:")), "")
    return line.removeprefix("doc:").strip().strip("'\"")


def describe_names(kind: str) -> dict[str, str]:
    """Return the names of one kind with a line of documentation each."""
    if kind == "operations":
        from blockspace.ops import OPS

        return {name: read_first_line(op) for name, op in sorted(OPS.items()) if op.kind != "input"}
    if kind == "rules":
        from blockspace.passes import RULES

        return {name: f"{rule.equation} ({rule.pipeline})" for name, rule in sorted(RULES.items())}
    if kind in ("blocks", "networks"):
        from blockspace.blocks import list_names, load

        return {name: load(name).doc for name in list_names(kind[:-1])}
    single = {"spaces": "space", "studies": "study"}[kind]
    return {name: read_doc(path) for name, path in list_files(single).items()}


def read_first_line(thing: object) -> str:
    """Return the first line of an object's docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]
