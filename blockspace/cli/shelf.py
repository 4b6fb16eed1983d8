"""What there is to name: the library, operations, rules, and the search spaces and studies below the current folder."""

from __future__ import annotations

import os

KINDS = ("blocks", "networks", "spaces", "studies", "operations", "rules")
FOLDERS = {"space": "searchspaces", "study": "studies"}


def files(kind: str) -> dict[str, str]:
    """The YAML files of one kind by name: `block` and `network` of the library, `space` and `study` of the folders beside us.

    A network's variants are in the file of their family.
    """
    if kind in ("block", "network"):
        from blockspace.blocks import list_files as shipped

        return shipped(kind)
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


def listed(kind: str) -> dict[str, str]:
    """Names and docs of one kind."""
    if kind == "operations":
        from blockspace.ops import OPS

        return {name: first_line(op) for name, op in sorted(OPS.items()) if op.kind != "input"}
    if kind == "rules":
        from blockspace.passes import RULES

        return {name: f"{rule.equation} ({rule.pipeline})" for name, rule in sorted(RULES.items())}
    if kind in ("blocks", "networks"):
        from blockspace.blocks import list_names, load

        return {name: load(name).doc for name in list_names(kind[:-1])}
    single = {"spaces": "space", "studies": "study"}[kind]
    return {name: doc_of(path) for name, path in files(single).items()}


def first_line(thing) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]
