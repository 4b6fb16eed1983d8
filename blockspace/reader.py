"""YAML text to positioned nodes.

Every node keeps its mark, so that any later mistake can say file:line:col. Nothing is resolved here: `5e-4`, `yes` and `splits * 2` are all
text until they are evaluated. The parser's events are guarded one by one (size, depth, aliases, duplicate keys, tags, keys that are no
plain words), so a hostile file is refused before it costs anything.
"""

from __future__ import annotations

import os
from typing import Any

import yaml

from blockspace.errors import BlockspaceError, Mark, Mistake, Source, error

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 50_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar:
    """A word, number or expression, as written."""

    __slots__ = ("text", "quoted", "mark", "key", "parsed")

    def __init__(self, text: str, mark: Mark, quoted: bool = False):
        self.text, self.mark, self.quoted = text, mark, quoted
        self.key = mark  # where the key stands that this is the value of
        self.parsed: tuple[str, Any] | None = None  # how it is read, and what that gives, once it is known

    def __repr__(self) -> str:
        return self.text


class Seq:
    """A list."""

    __slots__ = ("items", "mark", "key", "parsed")

    def __init__(self, items: list[Node], mark: Mark):
        self.items, self.mark, self.key = items, mark, mark
        self.parsed: list[Any] | None = None  # the steps of the flow, once it is known to be one

    def __repr__(self) -> str:
        return repr(self.items)


class Map:
    """A mapping from words to nodes, in order; `keys` has each key's own mark."""

    __slots__ = ("items", "keys", "mark", "key", "parsed")

    def __init__(self, mark: Mark):
        self.items: dict[str, Node] = {}
        self.keys: dict[str, Mark] = {}
        self.mark = self.key = mark
        self.parsed: list[Any] | None = None

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        return self.items.get(key)

    def __contains__(self, key: str) -> bool:
        return key in self.items

    def __repr__(self) -> str:
        return repr(self.items)


Node = Scalar | Seq | Map


def read_yaml(path: str) -> Node:
    """Return the file's root node. Raises BlockspaceError with every mistake found: E-FILE, E-YAML, E-TAG, E-DUP-KEY, E-KEY."""
    try:
        size = os.path.getsize(path)
        if size > MAX_BYTES:
            raise error("E-YAML", f"{path}: {size:,} bytes; at most {MAX_BYTES:,} are read")
        with open(path, "rb") as file:
            data = file.read()
    except OSError as e:
        raise error("E-FILE", f"cannot read {path}: {e.strerror or e}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise error("E-YAML", f"{path} is not UTF-8 text (byte {e.start})") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, path: str = "<text>") -> Node:
    """Return the root node of YAML text; errors show `path` as its file."""
    return _Reader(Source(path, text)).document()


class _Reader:
    """Builds nodes from events; recursion is bounded because depth is checked before each level."""

    def __init__(self, source: Source):
        self.source = source
        self.mistakes: list[Mistake] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.count = 0

    def document(self) -> Node:
        """Return the root node. Raises BlockspaceError with every mistake found."""
        try:
            root = self._document(_Loader)
        except yaml.YAMLError as refusal:
            raise BlockspaceError(self._invalid(self._explain(refusal))) from None
        if self.mistakes:
            raise BlockspaceError(*self.mistakes)
        return root

    def _document(self, loader: Any) -> Node:
        self.events = yaml.parse(self.source.text, Loader=loader)
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise error("E-YAML", "more than one YAML document in the file", self._mark(event))
                root = self._node(next(self.events), 0)
        if root is None or (isinstance(root, Scalar) and not root.text):
            raise error("E-YAML", f"{self.source.path} is empty")
        return root

    def _mark(self, event: Any) -> Mark:
        mark, end = event.start_mark, event.end_mark
        width = end.column - mark.column if end.line == mark.line else 1
        return Mark(self.source, mark.line + 1, mark.column + 1, max(1, width))

    def _node(self, event: Any, depth: int) -> Node:
        self.count += 1
        if depth > MAX_DEPTH:
            raise error("E-YAML", f"nested deeper than {MAX_DEPTH} levels", self._mark(event))
        if self.count > MAX_NODES:
            raise error("E-YAML", f"more than {MAX_NODES:,} values", self._mark(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            self.mistakes.append(Mistake("E-TAG", f"a tag is not allowed here: {event.tag}", self._mark(event), "write the plain value"))
        before = self.count
        node = self._collect(event, depth)
        if event.anchor:
            self.anchors[event.anchor] = (node, self.count - before + 1)
        return node

    def _collect(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            if "\0" in event.value:
                raise error("E-YAML", "a NUL character", self._mark(event))
            return Scalar(event.value, self._mark(event), quoted=bool(event.style))
        if isinstance(event, yaml.SequenceStartEvent):
            node = Seq([], self._mark(event))
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                node.items.append(self._node(item, depth + 1))
            return node
        return self._mapping(event, depth)

    def _mapping(self, event: Any, depth: int) -> Map:
        node = Map(self._mark(event))
        while not isinstance(key := next(self.events), yaml.MappingEndEvent):
            name = self._node(key, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if isinstance(name, Scalar) and name.text == "<<" and not name.quoted:
                help = "write the keys out, or let an alias stand for the whole value"
                self.mistakes.append(Mistake("E-KEY", "merge keys (<<) are not read", name.mark, help))
            elif not isinstance(name, Scalar) or not name.text:
                self.mistakes.append(Mistake("E-KEY", "a key must be a word", name.mark, "quote it, or check the indentation"))
            elif name.text in node.items:
                first = node.keys[name.text]
                self.mistakes.append(
                    Mistake(
                        "E-DUP-KEY", f"{name.text!r} is given twice: line {first.line} and line {name.mark.line}", name.mark, "keep one"
                    )
                )
            else:
                node.items[name.text] = value
                node.keys[name.text] = value.key = name.mark
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self.anchors:
            raise error(
                "E-YAML", f"unknown alias *{event.anchor}", self._mark(event), "an anchor (&name) must come before, and not around it"
            )
        node, size = self.anchors[event.anchor]
        self.count += size
        if self.count > MAX_NODES:
            raise error("E-YAML", f"aliases expand to more than {MAX_NODES:,} values", self._mark(event))
        return copy_node(node)

    def _explain(self, refusal: yaml.YAMLError) -> yaml.YAMLError:
        """Return the pure-Python parser's error, which says what was expected, for a text that libyaml refused; else libyaml's own.

        The second parse passes the same guards as the first: libyaml refuses 1,000 open brackets before it yields one of them, and the
        Python parser needs quadratic time for them. Raises E-YAML where a guard stops it.
        """
        try:
            _Reader(self.source)._document(yaml.SafeLoader)
        except yaml.YAMLError as better:
            return better
        except RecursionError:
            pass
        return refusal

    def _invalid(self, e: yaml.YAMLError) -> Mistake:
        where = getattr(e, "problem_mark", None)
        mark = Mark(self.source, where.line + 1, where.column + 1) if where else None
        problem = getattr(e, "problem", None) or getattr(e, "reason", None) or "unreadable characters"
        return Mistake("E-YAML", f"not valid YAML: {problem}", mark, self._hint(str(problem)))

    @staticmethod
    def _hint(problem: str) -> str | None:
        if "got '['" in problem:
            return "inside [...] or {...} YAML reads '[' as a list; write the step on its own lines, or quote it: \"x[i]\""
        if "expected ',' or" in problem:
            return "a bracket or brace is not closed, or a comma is missing"
        if "expected <block end>" in problem:
            return "check the indentation: the steps of a list, and the keys of a mapping, start in one column"
        if "\\t" in problem:
            return "indent with spaces, not tabs"
        return None


def copy_node(node: Node) -> Node:
    """Return a copy of the tree: each use of an alias is a place of its own, with holes of its own."""
    if isinstance(node, Scalar):
        twin: Node = Scalar(node.text, node.mark, node.quoted)
    elif isinstance(node, Seq):
        twin = Seq([copy_node(item) for item in node.items], node.mark)
    else:
        twin = Map(node.mark)
        twin.items = {key: copy_node(value) for key, value in node.items.items()}
        twin.keys = dict(node.keys)
    twin.key = node.key
    return twin


def to_plain(node: Node) -> Any:
    """Return the node as lists, dicts and texts."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Seq):
        return [to_plain(item) for item in node.items]
    return {key: to_plain(value) for key, value in node.items.items()}
