"""One member of a network's family as a file of its own: its settings become the defaults, and the other members are left out."""

from __future__ import annotations

import json
import re

import yaml

PLAIN = re.compile(r"[A-Za-z0-9][\w .,;/()'+=-]*")


class Text:
    """A YAML file's text, where its nodes stand in it, and the changes that were asked for."""

    def __init__(self, text: str):
        self.text = text
        self.changes: list[tuple[int, int, str]] = []
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.root = entries(yaml.compose(text, Loader=yaml.SafeLoader))

    def at(self, mark) -> int:
        return self.starts[mark.line] + mark.column

    def span(self, node) -> tuple[int, int]:
        """Where the node stands; one in block style ends with its last value, not with the comments and lines behind it."""
        start, end = self.at(node.start_mark), self.at(last(node).end_mark)
        return start, start + len(self.text[start:end].rstrip())

    def of(self, node) -> str:
        """The node as written, on one line."""
        start, end = self.span(node)
        if "\n" not in self.text[start:end]:
            return self.text[start:end]
        for part in nodes(node):
            part.flow_style = True
        return yaml.serialize(node, width=10**6, allow_unicode=True).removesuffix("...\n").strip()

    def set(self, key: str, text: str, behind: str) -> None:
        """Give the file's `key` this value; a key that it has not comes behind another."""
        if key in self.root:
            self.changes.append((*self.span(self.root[key][1]), text))
        else:
            end = self.text.index("\n", self.span(self.root[behind][1])[1])
            self.changes.append((end, end, f"\n{key}: {text}"))

    def drop(self, key: str) -> None:
        """Leave the file's `key` out, to the end of its last line."""
        name, value = self.root[key]
        end = self.text.find("\n", self.span(value)[1])
        self.changes.append((self.at(name.start_mark), end + 1 or len(self.text), ""))

    def changed(self) -> str:
        """The text with its changes, the last first, so that the places of the others hold."""
        text = self.text
        for start, end, new in sorted(self.changes, reverse=True):
            text = text[:start] + new + text[end:]
        return text


def alone(text: str, name: str | None, said: dict[str, str]) -> str:
    """The text of a family's file for the variant `name` alone, or for the network that it is written for.

    `said` is what the member says of itself: its `doc`, `paper` and `reference`.
    """
    file = Text(text)
    if "variants" not in file.root:
        return text
    members = entries(file.root["variants"][1])
    file.drop("variants")
    if name in members:
        settings, params = entries(members[name][1]), entries(file.root["params"][1])
        for key, (_, node) in settings.items():
            if key in params:
                file.changes.append(default(file, params[key][1], file.of(node)))
        for key, words in said.items():
            if words:
                file.set(key, words if PLAIN.fullmatch(words) else json.dumps(words, ensure_ascii=False), behind="network")
    return file.changed()


def default(file: Text, param, text: str) -> tuple[int, int, str]:
    """The change that gives a param another default."""
    spec = entries(param)
    if "default" in spec:
        return (*file.span(spec["default"][1]), text)
    if not {"search", "solve", "doc"} & spec.keys():
        return (*file.span(param), text)
    start = file.at(param.start_mark) + param.flow_style
    indent = " " * param.start_mark.column
    return start, start, f"default: {text}, " if param.flow_style else f"default: {text}\n{indent}"


def entries(node) -> dict:
    """key: (its node, its value's node) of a mapping; nothing for another node."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return {key.value: (key, value) for key, value in pairs}


def last(node):
    """The last node that stands in a collection of block style; else the node."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return node
    return last(node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1])


def nodes(node):
    """The node's collections, itself among them."""
    if not isinstance(node, yaml.ScalarNode):
        yield node
        for value in node.value:
            for inner in value if isinstance(value, tuple) else (value,):
                yield from nodes(inner)
