"""Params: what users may set, as a file declares it, and the sections of a file that hold them."""

from __future__ import annotations

import keyword

from blockspace.blocks.syntax import OWN_NAMES, RESERVED, is_value, refuse_unknown_keys
from blockspace.errors import BlockspaceError, Mark, Mistake, error
from blockspace.reader import Map, Node, Scalar, Seq
from blockspace.units import Rational, parse_number

SPEC_KEYS = ("default", "search", "solve", "range", "doc", "untied", "words")
NAME_LIMIT = 64


class Param:
    """A param as declared: its default node, its `search:` when it has one, and the list of `words:` that it may be without one."""

    __slots__ = ("name", "node", "mark", "default", "search", "listed", "doc")

    def __init__(self, name: str, node: Node, mark: Mark):
        self.name, self.node, self.mark = name, node, mark
        spec = node if isinstance(node, Map) and any(key in node for key in ("default", "search", "solve", "doc")) else None
        if spec is not None:
            refuse_unknown_keys(spec, SPEC_KEYS, f"param {name!r}")
        self.default = spec.get("default") if spec is not None else node
        self.search = spec.get("search") if spec is not None else None
        self.listed = spec.get("words") if spec is not None else None
        self.doc = get_text(spec.get("doc")) if spec is not None else ""

    def entries(self) -> dict[str, Node]:
        """Return the named alternatives, or the listed words, of its `search:`, and its `words:`."""
        if isinstance(self.search, Map):
            return self.search.items
        lists = [node for node in (self.search, self.listed) if isinstance(node, Seq)]
        found: dict[str, Node] = {item.text: item for node in lists for item in node.items if isinstance(item, Scalar)}
        return found | {format_list(item): item for node in lists for item in node.items if isinstance(item, Seq) and is_list_value(item)}

    def words(self) -> list[str]:
        """Return the listed words that are not words of the grammar: they mean something to its own unit only."""
        own = {} if isinstance(self.search, Map) else self.entries()
        return [word for word in own if word.isidentifier() and word not in RESERVED and word not in ("true", "false")]

    def meant(self, node: Node) -> Node:
        """Return the alternative of its `search:` that a word names, else the value itself."""
        return self.search.items.get(node.text, node) if isinstance(self.search, Map) and isinstance(node, Scalar) else node

    def bound(self, node: Node) -> Node:
        """Return its declaration with `node` as its value: the search domain is dropped, the words it may be stay."""
        if isinstance(node, Map) and any(key in node for key in ("default", "search", "solve")):
            return node
        twin = Map(self.mark)
        twin.items["default"] = self.meant(node)
        if words := self.words():
            twin.items["words"] = Seq([Scalar(word, self.mark) for word in words], self.mark)
        if self.doc and isinstance(self.node, Map):
            twin.items["doc"] = self.node.items["doc"]
        twin.keys = dict.fromkeys(twin.items, self.mark)
        return twin


def is_list_value(node: Node | None) -> bool:
    """Return whether a node is a list of numbers, as `[2, 1]`, rather than a flow: no step is a number or an expression."""
    if not isinstance(node, Seq) or not all(isinstance(item, Scalar) or is_value(item) for item in node.items):
        return False
    return any(isinstance(item, Scalar) and item.text and not item.text.isidentifier() for item in node.items)


def format_list(node: Seq) -> str:
    """Return a list of numbers as YAML writes it: [2, 1]."""
    return f"[{', '.join(map(get_text, node.items))}]"


def suggest_domain(node: Seq) -> str:
    """Return the next step for a list of numbers where one number is taken."""
    if not node.items:
        return "write one number"
    first = get_text(node.items[0])
    return f"one value, and the others to choose from: {{default: {first}, search: {format_list(node)}}}"


def read_literal(node: Scalar) -> Rational | None:
    """Return the number that a scalar is, None for other texts. Raises BlockspaceError (E-VALUE, E-SCALAR, E-EXPR) at its place."""
    try:
        return parse_number(node.text)
    except BlockspaceError as e:
        raise e.at(node.mark) from None


def check_word(name: str, mark: Mark, what: str) -> None:
    """Raise E-WORD for a word that means something else, E-NAME for what expressions and module names cannot hold."""
    if name in RESERVED or name in OWN_NAMES or keyword.iskeyword(name):
        raise error("E-WORD", f"{name!r} is a word of the grammar and cannot be {what}", mark, "choose another name")
    if not (name.isascii() and name.isidentifier() and len(name) <= NAME_LIMIT):
        raise error("E-NAME", f"{name!r} cannot be the name of {what}", mark, "letters, digits and _, not starting with a digit")


def title_mistakes(name: str, mark: Mark) -> list[Mistake]:
    """Return E-NAME for what cannot be the name of a block, network or variant."""
    plain = name.replace("_", "").replace("-", "").replace(".", "")
    if plain.isascii() and plain.isalnum() and len(name) <= NAME_LIMIT and name[0].isalnum():
        return []
    return [Mistake("E-NAME", f"{name!r} cannot be a name", mark, f"letters, digits, '_', '-', '.', at most {NAME_LIMIT}")]


def read_section(node: Node | None, what: str) -> list[tuple[str, Node, Mark]]:
    """Return the entries of a section, which must be a mapping, as (key, value, mark). Raises E-TYPE."""
    if node is None or (isinstance(node, Scalar) and not node.text):
        return []
    if not isinstance(node, Map):
        raise error("E-TYPE", f"`{what}:` is a mapping", node.mark)
    return [(key, value, node.keys[key]) for key, value in node.items.items()]


def get_text(node: Node | None) -> str:
    """Return the text of a scalar; empty for anything else."""
    return node.text if isinstance(node, Scalar) else ""
