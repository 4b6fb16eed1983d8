"""Reduce a network family's file to one member: its settings become the defaults, the other members are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

PLAIN = re.compile(r"[A-Za-z0-9][\w .,;/()'+=-]*")


class YamlEdit:
    """A YAML file's text, the positions of its nodes, and the changes to make."""

    def __init__(self, text: str):
        self.text = text
        self.changes: list[tuple[int, int, str]] = []
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.root = map_entries(yaml.compose(text, Loader=yaml.SafeLoader))

    def at(self, mark: yaml.Mark) -> int:
        """Return the offset of a mark in the text."""
        return int(self.starts[mark.line] + mark.column)

    def span(self, node: yaml.Node) -> tuple[int, int]:
        """Return (start, end) of a node; one in block style ends with its last value, without comments and lines after it."""
        start, end = self.at(node.start_mark), self.at(find_last_node(node).end_mark)
        return start, start + len(self.text[start:end].rstrip())

    def of(self, node: yaml.Node) -> str:
        """Return the node as written, on one line."""
        start, end = self.span(node)
        if "\n" not in self.text[start:end]:
            return self.text[start:end]
        for part in iterate_collections(node):
            part.flow_style = True
        return str(yaml.serialize(node, width=10**6, allow_unicode=True)).removesuffix("...\n").strip()

    def set(self, key: str, text: str, behind: str) -> None:
        """Set the file's `key` to a text; a new key is inserted after the key `behind`."""
        if key in self.root:
            self.changes.append((*self.span(self.root[key][1]), text))
        else:
            end = self.text.index("\n", self.span(self.root[behind][1])[1])
            self.changes.append((end, end, f"\n{key}: {text}"))

    def drop(self, key: str) -> None:
        """Remove the file's `key`, to the end of its last line."""
        name, value = self.root[key]
        end = self.text.find("\n", self.span(value)[1])
        self.changes.append((self.at(name.start_mark), end + 1 or len(self.text), ""))

    def changed(self) -> str:
        """Return the text with its changes applied, the last first, so that earlier positions stay valid."""
        text = self.text
        for start, end, new in sorted(self.changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text


def inline_variant(text: str, name: str | None, said: dict[str, str]) -> str:
    """Return the text of a family's file reduced to the variant `name`, or to the network it is written for.

    `said` holds the member's `doc`, `paper` and `reference`.
    """
    file = YamlEdit(text)
    if "variants" not in file.root:
        return text
    members = map_entries(file.root["variants"][1])
    file.drop("variants")
    if name in members:
        settings, params = map_entries(members[name][1]), map_entries(file.root["params"][1])
        for key, (_, node) in settings.items():
            if key in params:
                file.changes.append(edit_default(file, params[key][1], file.of(node)))
        for key, words in said.items():
            if words:
                file.set(key, words if PLAIN.fullmatch(words) else json.dumps(words, ensure_ascii=False), behind="network")
    return file.changed()


def edit_default(file: YamlEdit, param: yaml.Node, text: str) -> tuple[int, int, str]:
    """Return the change that gives a param another default."""
    spec = map_entries(param)
    if "default" in spec:
        return (*file.span(spec["default"][1]), text)
    if not {"search", "solve", "doc"} & spec.keys():
        return (*file.span(param), text)
    start = file.at(param.start_mark) + param.flow_style
    indent = " " * param.start_mark.column
    return start, start, f"default: {text}, " if param.flow_style else f"default: {text}\n{indent}"


def map_entries(node: yaml.Node | None) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """Return key: (key node, value node) of a mapping; {} for any other node."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return {key.value: (key, value) for key, value in pairs}


def find_last_node(node: yaml.Node) -> yaml.Node:
    """Return the last node inside a collection of block style; for any other node, itself."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return node
    return find_last_node(node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1])


def iterate_collections(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield the collections of a node, itself included."""
    if not isinstance(node, yaml.ScalarNode):
        yield node
        for value in node.value:
            for inner in value if isinstance(value, tuple) else (value,):
                yield from iterate_collections(inner)
