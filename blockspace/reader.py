"""YAML text to positioned nodes.

Every node keeps its mark, so that any later mistake can say file:line:col. Nothing is resolved here: `5e-4`, `yes` and `splits * 2` are all
text until they are evaluated. The parser's events are guarded one by one (size, depth, aliases, duplicate keys, tags, keys that are no
plain words), so a hostile file is refused before it costs anything.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from blockspace.errors import BlockspaceError, Mark, Mistake, Source, error

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 50_000
MAX_STEPS = 20_000  # items of lists that may be steps: as many as a graph may have nodes
MOST_REPORTED = 100  # mistakes, before the rest of a file is left
SMALL, FAR = 200, 20_000  # characters: of texts that are parsed at once, and that the slow parser reads to explain a mistake

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

    __slots__ = ("items", "mark", "key", "parsed", "runs")

    def __init__(self, items: list[Node], mark: Mark):
        self.items, self.mark, self.key = items, mark, mark
        self.parsed: list[Any] | None = None  # the steps of the flow, once it is known to be one
        self.runs: list[int] | None = None  # how many items after each one are written alike, once it is asked

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
    source = Source(path, text)
    if _refused and _refused[0][0] == source:
        raise _refused[0][1]
    try:
        refuse_oversized(source)
        with pause_collection():
            return _Reader(source).document()
    except BlockspaceError as e:
        _refused[:] = [(source, e)]
        raise


@contextmanager
def pause_collection() -> Iterator[None]:
    """Keep the garbage collector from going through a growing tree again and again, in which it would find nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_refused: list[tuple[Source, BlockspaceError]] = []  # the last text with mistakes: a command may read it more than once


BRACKETS = re.compile(r"""[\[{]|[\]}]|(?<![^\s\[{,:-])(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')|(?<![^\s])\#[^\n]*""")
DASHES = re.compile(rf"^[ ]*(?:- ){{{MAX_DEPTH + 1}}}", re.MULTILINE)
LINE_STEPS = re.compile(r"^[ ]*-[ ]+[A-Za-z{]", re.MULTILINE)
WORD_STEPS = re.compile(r"[\[,][ \n]*[A-Za-z_]\w*[ \n]*(?=[,\]])")
KEYS = re.compile(r":(?=\s)")
PROSE = re.compile(r"""["'#]|[|>][-+0-9]*[ \t]*\n""")  # where commas and dashes may be part of a text


def refuse_oversized(source: Source) -> None:
    """Raise E-YAML for a text that nests too deep, or holds too many values or steps, before a parser sees it.

    Parsers need up to quadratic time for such texts. Only brackets, commas, dashes and colons are counted, and where they may belong to a
    text nothing is said, so what passes may still be refused while it is parsed.
    """
    text = source.text
    if len(text) < SMALL:
        return
    deep = find_depth(text)
    if deep is not None:
        raise error("E-YAML", f"nested deeper than {MAX_DEPTH} levels", mark_at(source, deep))
    if PROSE.search(text) is None and text.count(",") + len(LINE_STEPS.findall(text)) + 2 * len(KEYS.findall(text)) > MAX_NODES:
        raise error("E-YAML", f"more than {MAX_NODES:,} values")
    steps = len(LINE_STEPS.findall(text)) + (len(WORD_STEPS.findall(text)) if text.count(",") > MAX_STEPS else 0)
    if steps > MAX_STEPS and PROSE.search(text) is None:
        raise error("E-YAML", f"more than {MAX_STEPS:,} steps in one file", help="write repeated steps with `repeat:`")


def find_depth(text: str) -> int | None:
    """Return where brackets, or dashes in one line, nest deeper than any file may; None where they do not.

    In a plain text outside of brackets, as in `doc: a [b`, a bracket is a letter: only one that begins a value opens a list.
    """
    dashes = DASHES.search(text)
    depth = 0
    for match in BRACKETS.finditer(text):
        character = text[match.start()]
        if character in "[{":
            depth += depth > 0 or begins_value(text, match.start())
            if depth > MAX_DEPTH:
                return match.start()
        elif character in "]}":
            depth = max(0, depth - 1)
    return dashes.end() - 2 if dashes else None


def begins_value(text: str, place: int) -> bool:
    """Return whether only white space is before a place in its line, or a dash, colon or question mark."""
    before = text[max(0, place - SMALL) : place].rpartition("\n")[2].rstrip()
    return not before or before[-1] in "-:?"


def mark_at(source: Source, place: int) -> Mark:
    """Return the mark of a character of a text."""
    return Mark(source, source.text.count("\n", 0, place) + 1, place - source.text.rfind("\n", 0, place))


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
        if len(self.mistakes) >= MOST_REPORTED:
            raise BlockspaceError(*self.mistakes)
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

        The second parse passes the same guards as the first. Where it would have far to go, libyaml's words are kept, since the Python
        parser takes a hundred times as long. Raises E-YAML where a guard stops it.
        """
        mark = getattr(refusal, "problem_mark", None)
        if mark is None or mark.index > FAR:
            return refusal
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


def count_runs(node: Seq) -> list[int]:
    """Return for each item how many of those that follow it at once are written alike."""
    if node.runs is None:
        texts = [repr(item) for item in node.items]
        node.runs = [0] * len(texts)
        for place in range(len(texts) - 2, -1, -1):
            if texts[place] == texts[place + 1]:
                node.runs[place] = node.runs[place + 1] + 1
    return node.runs


def read_top_scalar(path: str, key: str) -> str | None:
    """Return the text of a file's top-level key such as `format`, in any style of YAML; None where it has none, or cannot be read.

    Only as much of the file is parsed as stands before that key.
    """
    try:
        if os.path.getsize(path) > MAX_BYTES:
            return None
        with open(path, "rb") as file:
            source = Source(path, file.read().decode("utf-8-sig"))
        refuse_oversized(source)
        return find_top_scalar(source.text, key)
    except (OSError, UnicodeDecodeError, BlockspaceError, yaml.YAMLError):
        return None


def find_top_scalar(text: str, key: str) -> str | None:
    """Return the text of a key of the mapping that a YAML text is; None where it has none, or holds no scalar. Raises yaml.YAMLError."""
    depth, names, last = 0, False, None
    for event in yaml.parse(text, Loader=_Loader):
        opens = isinstance(event, yaml.CollectionStartEvent)
        if depth == 1 and not isinstance(event, yaml.CollectionEndEvent):
            names = not names
            if not names and last == key:
                return str(event.value) if isinstance(event, yaml.ScalarEvent) else None
            last = event.value if isinstance(event, yaml.ScalarEvent) else None
        if depth == 0 and isinstance(event, yaml.SequenceStartEvent):
            return None
        depth += opens - isinstance(event, yaml.CollectionEndEvent)
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
