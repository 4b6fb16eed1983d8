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
        return describe_operations()
    if kind == "rules":
        from blockspace.passes import RULES

        return {name: f"{rule.equation} ({rule.pipeline})" for name, rule in sorted(RULES.items())}
    if kind in ("blocks", "networks"):
        from blockspace.blocks import list_names, load

        return {name: load(name).doc for name in list_names(kind[:-1])}
    single = {"spaces": "space", "studies": "study"}[kind]
    return {name: read_doc(path) for name, path in list_files(single).items()}


def describe_operations() -> dict[str, str]:
    """Return the words of operations as steps write them, each with the first line of its documentation."""
    from blockspace.blocks import syntax
    from blockspace.ops import OPS

    homes = {"conv3x3": "conv", "dwconv3x3": "conv", "maxpool3x3": "maxpool", "avgpool3x3": "avgpool", "global_avgpool": "adaptive_avgpool"}
    words = {name: name for name in (*syntax.SIMPLE, *syntax.MERGES)} | homes
    own = {
        "norm": "Normalisation: batch, layer or group.",
        "shortcut": "The value itself where its shape is right, else convolution 1x1 and norm.",
        "global_avgpool": "Mean over space, `(C, H, W) -> (C, 1, 1)`.",
        "dwconv3x3": "Depthwise convolution: one group per channel.",
    }
    return dict(sorted(({word: read_first_line(OPS[op]) for word, op in words.items()} | own).items()))


def read_first_line(thing: object) -> str:
    """Return the first line of an object's docstring."""
    return (thing.__doc__ or "").strip().partition("\n")[0]
