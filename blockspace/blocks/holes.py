"""Holes: the places of a network left open by `search:`, and the unknowns left to `solve:`, named and listed before expansion."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from blockspace.blocks.parameters import Param, format_list, get_text, is_list_value, read_literal
from blockspace.blocks.syntax import is_operation, refuse_unknown_keys
from blockspace.blocks.template_file import BlockUnit, TemplateFile
from blockspace.errors import BlockspaceError, Mark, Mistake, error
from blockspace.reader import Map, Node, Scalar, Seq

RANGE = re.compile(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*(?:step\s+(\d+)|(log))?\s*")
PARTS, PARTS_NAME = re.compile(r"part\*(\d+)"), re.compile(r"part\d+")
MOST_VALUES = 65_536
MOST_PARTS = 64  # an untied hole is as many holes as there may be parts
SOLVABLE = ("macs", "params", "acts", "bytes", "latency")

Token = int | float | bool | str
Condition = tuple[str, Token]  # the hole and the alternative of it that something exists under
P = TypeVar("P")


class NameLookup(Protocol):
    """An environment that answers names."""

    def find(self, name: str) -> object:
        """Return the value of `name`, or None when it has none."""


@dataclass(frozen=True)
class IntRange:
    """Integers from `low` to `high`, both included."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def values(self) -> range:
        """Return all values, in order."""
        return range(self.low, self.high + 1, self.step)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, int) and not isinstance(token, bool) and token in self.values()

    def __len__(self) -> int:
        return len(self.values())

    def __str__(self) -> str:
        return f"{self.low}..{self.high}" + (f" step {self.step}" if self.step > 1 else " log" if self.log else "")


@dataclass(frozen=True)
class Categorical:
    """Listed values or named alternatives, in the order written; `nodes` is what each stands for."""

    tokens: tuple[Token, ...]
    nodes: dict[Token, Node] = field(compare=False, hash=False)

    def values(self) -> tuple[Token, ...]:
        """Return all values, in order."""
        return self.tokens

    def __contains__(self, token: object) -> bool:
        return any(token == t and type(token) is type(t) for t in self.tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    def __str__(self) -> str:
        return ", ".join(map(format_token, self.tokens))


@dataclass(frozen=True)
class Hole:
    """One open place: its name, its domain, its default, and the alternative it exists under (hole name, token)."""

    name: str
    domain: IntRange | Categorical
    default: Token
    mark: Mark
    under: Condition | None = None


@dataclass(frozen=True)
class Unknown:
    """One solved place: which cost decides it, and the legal values."""

    name: str
    cost: str
    domain: IntRange
    default: int
    mark: Mark
    under: Condition | None = None


def is_inherited(node: Node) -> bool:
    """Return whether a node is a hole with the domain that the block declares, `{search: inherit}`."""
    return isinstance(node, Map) and get_text(node.get("search")) == "inherit"


def parse_domain(node: Node) -> IntRange | Categorical:
    """Return the domain written in a `search:` or `range:`. Raises E-RANGE for an empty or malformed one."""
    if isinstance(node, Scalar):
        match = RANGE.fullmatch(node.text)
        if not match:
            raise error(
                "E-RANGE", f"{node.text!r} is not a domain", node.mark, "a list, `2..8`, `8..64 step 8`, `2..64 log`, or named alternatives"
            )
        interval = IntRange(int(match[1]), int(match[2]), int(match[3] or 1), bool(match[4]))
        if interval.step < 1 or interval.low > interval.high or (interval.log and interval.low < 1):
            raise error("E-RANGE", f"the domain {node.text!r} is empty", node.mark, "low..high with low <= high, step >= 1, log from 1")
        if len(interval) > MOST_VALUES:
            raise error(
                "E-RANGE", f"the domain {node.text!r} has {len(interval):,} values; at most {MOST_VALUES:,}", node.mark, "a larger step"
            )
        return interval
    if isinstance(node, Map) and node.items:
        return Categorical(tuple(node.items), dict(node.items.items()))
    tokens = {parse_token(item): item for item in node.items} if isinstance(node, Seq) else {}
    if not tokens or len(tokens) < len(node.items):
        raise error("E-RANGE", "an empty domain" if not tokens else "a domain with a value given twice", node.mark)
    return Categorical(tuple(tokens), tokens)


def parse_solved_range(node: Map) -> IntRange:
    """Return the range of a `solve:` mapping. Raises E-RANGE when it has none."""
    if "range" not in node:
        raise error("E-RANGE", "a solved value needs its `range:`", node.mark, "range: 1..64")
    domain = parse_domain(node.items["range"])
    if not isinstance(domain, IntRange):
        raise error("E-RANGE", "the range of a solved value is low..high", node.items["range"].mark)
    return domain


def parse_token(node: Node) -> Token:
    """Return the token of one listed value: a number, a bool, or the text; of a list of numbers its text, `[2, 1]`."""
    if isinstance(node, Seq) and is_list_value(node):
        return format_list(node)
    if not isinstance(node, Scalar):
        raise error("E-RANGE", "a list of flows has no names to choose by", node.mark, "write a mapping of named alternatives")
    if node.text in ("true", "false"):
        return node.text == "true"
    number = read_literal(node)
    if number is None:
        return node.text
    return number if isinstance(number, int) else float(number)


def format_token(token: Token) -> str:
    """Return a token as YAML writes it."""
    return str(token).lower() if isinstance(token, bool) else str(token)


class Holes:
    """All holes and unknowns of one file, by name and by place. Raises BlockspaceError with every mistake in them, and the file's."""

    def __init__(self, file: TemplateFile):
        self.file = file
        self.mistakes: list[Mistake] = []
        self.holes: dict[str, Hole] = {}
        self.unknowns: dict[str, Unknown] = {}
        self.names: dict[int, str] = {}  # id of the Map that holds `search:` or `solve:` -> name; `part*N` stands for part1 to partN
        self.owners: dict[str, tuple[str, int]] = {}  # name -> the one step of a section that can read it
        self.inherited: dict[int, Param] = {}  # id of a Map with `search: inherit` -> the param of the block that it opens
        self.declared: dict[str, str] = {}  # name -> the param or let of the file that it is written in
        self.split: Map | None = None  # the split whose `each:` is being looked at
        self.switches: dict[str, str] = {}  # `op.part*8` -> the true/false param that says whether its parts have values of their own
        for unit in file.units():
            prefix = () if unit is file else (unit.name,)
            for key, node in [*((param.name, param.node) for param in unit.params.values()), *unit.lets.items()]:
                before = len(self.names)
                self._walk(node, (*prefix, key), None)
                if unit is file:
                    self.declared |= dict.fromkeys(list(self.names.values())[before:], key)
            for key, node in unit.defaults.items():
                self._walk(node, (*prefix, key), None)
            for node in unit.requires:
                self._walk(node, (*prefix, "require"), None)
            self._walk(unit.flow, prefix, None)
        for side, node in zip(("channels", "height", "width"), file.input.items if isinstance(file.input, Seq) else []):
            before = len(self.names)
            self._walk(node, ("input", side), None)
            self.declared |= dict.fromkeys(list(self.names.values())[before:], "input")
        for section, node in file.sections.items():
            self._section(section, node)
        if self.mistakes:
            raise BlockspaceError(*dict.fromkeys([*file.mistakes, *self.mistakes]))

    def _section(self, section: str, node: Node) -> None:
        """Collect the holes of a section: those of a stage below its name or number, those of stem and head below the section's."""
        count = 0
        for position, item in enumerate(node.items if isinstance(node, Seq) else [node]):
            before = len(self.names)
            if section == "stages" and isinstance(item, Map) and "block" in item:
                count += 1
                self._walk(item, (get_text(item.get("name")) or f"stage{count}",), None)
            else:
                self._walk(item, () if section == "stages" else (section,), None)
            for name in list(self.names.values())[before:]:
                self.owners |= dict.fromkeys(list_parts(name), (section, position))

    def declared_names(self) -> list[str]:
        """Return the names of the holes and unknowns of the file's own params and lets, and of its input."""
        return [one for name in self.declared for one in list_parts(name)]

    def name_at(self, node: Map, env: NameLookup) -> str | None:
        """Return the name of the hole or unknown written at `node`, seen from `env`; an untied one has a name per part."""
        name = self.names.get(id(node))
        if not name or "*" not in name:
            return name
        part, switch = env.find("part"), self.switch(name)
        return PARTS.sub(f"part{part if part == 1 or switch is None or env.find(switch) else 1}", name)

    def switch(self, name: str) -> str | None:
        """Return the param that unties the parts of `op.part*8` (or of a setting under one of its alternatives); None without one."""
        match = PARTS.search(name)
        return self.switches.get(name[: match.end()]) if match else None

    def _walk(self, node: Node, path: tuple[str, ...], under: Condition | None, block: BlockUnit | None = None) -> None:
        """Look below `node`; `block` is the unit whose settings these are."""
        if isinstance(node, Seq):
            for item in node.items:
                self._walk(item, path, under)
        elif isinstance(node, Map):
            try:
                if "search" in node:
                    self._hole(node, path, under, block)
                elif "solve" in node:
                    self._unknown(node, path, under)
                else:
                    self._settings(node, path, under, block)
            except BlockspaceError as e:  # of a hole; what is below the others has been looked at
                self.mistakes += e.mistakes

    def _settings(self, node: Map, path: tuple[str, ...], under: Condition | None, block: BlockUnit | None) -> None:
        """Collect the holes of a mapping: keys that name a setting become part of a hole's name, operations and blocks do not."""
        outer = self.split
        self.split = node if "each" in node else outer
        self._below(node, path, under, block if "if" in node and "then" in node else None)
        self.split = outer

    def _below(self, node: Map, path: tuple[str, ...], under: Condition | None, block: BlockUnit | None) -> None:
        what = node.get("block")
        beside = self.file.unit(what.text) if isinstance(what, Scalar) else None
        for key, value in node.items.items():
            unit = None if beside is not None and key in beside.params else self.file.unit(key)  # a setting may be called like a block
            if unit is not None and isinstance(value, Map):
                for setting, inner in value.items.items():
                    self._walk(inner, (*path, setting), under, unit)
            elif is_operation(key) or key in STRUCTURE:
                self._walk(value, path, under, block)  # of a condition: what it chooses between is still a setting of the block
            else:
                self._walk(value, (*path, key), under, beside)

    def _hole(self, node: Map, path: tuple[str, ...], under: Condition | None, block: BlockUnit | None) -> None:
        refuse_unknown_keys(node, ("default", "search", "doc", "untied"), "a hole")
        name = self._name(node, self._untied(node, path))
        switch = self._switch(node, under)
        if switch is not None:
            self.switches[name] = switch
        param = self._inherited(node, path, block)
        search = node.items["search"] if param is None or param.search is None else param.search
        domain = parse_domain(search)
        default = self._default(node.get("default") or (param.default if param is not None else None), domain)
        self._register(self.holes, name, under, lambda one, place: Hole(one, domain, default, node.mark, place), switch)
        if isinstance(search, Map):
            for key, value in search.items.items():
                self._walk(value, (name, key), (name, key))

    def _untied(self, node: Map, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the path, with a place for the part's number when the hole is `untied: true`."""
        untied = node.get("untied")
        if untied is None or (isinstance(untied, Scalar) and untied.text == "false"):
            return path
        if not (isinstance(untied, Scalar) and (untied.text == "true" or untied.text in self.file.params)):
            raise error("E-TYPE", "untied is true, false, or the name of a param of the file that is", untied.mark)
        if self.split is None or any("*" in word for word in path):
            raise error("E-RANGE", "`untied` is for a hole inside `each:`, once", untied.mark, "leave it out: the hole is one value")
        return (*path, f"part*{self._most_parts(self.split.get('split'), untied.mark)}")

    def _switch(self, node: Map, under: Condition | None) -> str | None:
        """Return the param named by `untied: NAME`, or None; its hole decides whether the holes of the second part and on exist."""
        untied = get_text(node.get("untied"))
        if untied in ("", "true", "false"):
            return None
        if under is not None:
            help = "write it outside of alternatives"
            raise error("E-RANGE", f"`untied: {untied}` is for a hole that is always there", node.items["untied"].mark, help)
        return untied

    def _most_parts(self, node: Node | None, mark: Mark) -> int:
        """Return the largest number of parts of a split, or of those splits that a param lets one choose."""
        if isinstance(node, Scalar) and node.text in self.file.params:
            search = self.file.params[node.text].search
            nodes = search.items.values() if isinstance(search, Map) else [self.file.params[node.text].default]
            return max(self._most_parts(one, mark) for one in nodes)
        if isinstance(node, Map) and "then" in node and "else" in node:
            return max(self._most_parts(node.items[key], mark) for key in ("then", "else"))
        count = next(iter(node.items.values()), None) if isinstance(node, Map) and len(node.items) == 1 else None
        if isinstance(count, Scalar) and count.text in self.file.params:
            count = self.file.params[count.text].node
        if isinstance(count, Seq):
            return len(count.items)
        if isinstance(count, Map) and "search" in count:
            domain = parse_domain(count.items["search"])
            numbers = [t for t in domain.values() if isinstance(t, int)]
        else:
            count = count.get("default") if isinstance(count, Map) else count
            number = read_literal(count) if isinstance(count, Scalar) else None
            numbers = [number] if isinstance(number, int) else []
        if not numbers or not all(1 <= n <= MOST_PARTS for n in numbers):
            message = "untied: the number of parts is neither a plain number nor a hole"
            raise error("E-RANGE", message, mark, "split into a number, or into a param")
        return max(numbers)

    @staticmethod
    def _register(
        places: dict[str, P], name: str, under: Condition | None, make: Callable[[str, Condition | None], P], switch: str | None = None
    ) -> None:
        """Put the hole or unknown called `name` into `places`, once per part when it is untied, or may be by a `switch`."""
        for index, part_name in enumerate(list_parts(name)):
            part = PARTS_NAME.search(part_name)
            condition = under and (PARTS.sub(part[0], under[0]) if part else under[0], under[1])
            places[part_name] = make(part_name, (switch, True) if switch and index else condition)

    def _inherited(self, node: Map, path: tuple[str, ...], block: BlockUnit | None) -> Param | None:
        """Return, for `search: inherit`, the block's own param, whose domain and default hold; else None."""
        if not is_inherited(node):
            return None
        search, param = node.items["search"], block.params.get(path[-1]) if block else None
        if param is None or param.search is None:
            whose = f"block {block.name!r}" if block else "no block here"
            raise error("E-RANGE", f"{whose} has no search domain for {path[-1]!r}", search.mark, "give a domain of its own")
        self.inherited[id(node)] = param
        return param

    def _default(self, default: Node | None, domain: IntRange | Categorical) -> Token:
        if default is None:
            return domain.low if isinstance(domain, IntRange) else domain.tokens[0]
        return parse_token(default) if isinstance(default, Scalar) or is_list_value(default) else "default"

    def _unknown(self, node: Map, path: tuple[str, ...], under: Condition | None) -> None:
        refuse_unknown_keys(node, ("default", "solve", "range", "doc"), "a solved value")
        cost, mark = node.items["solve"], node.mark
        if not isinstance(cost, Scalar) or cost.text not in SOLVABLE:
            raise error("E-RANGE", f"`solve:` names a cost: {', '.join(SOLVABLE)}", cost.mark)
        domain = parse_solved_range(node)
        default = parse_token(node.items["default"]) if "default" in node else domain.low
        if isinstance(default, bool) or not isinstance(default, int):
            raise error("E-RANGE", f"the default of a solved value is a whole number, got {default}", node.items["default"].mark)
        name = self._name(node, path)
        self._register(self.unknowns, name, under, lambda one, place: Unknown(one, cost.text, domain, default, mark, place))

    def _name(self, node: Map, path: tuple[str, ...]) -> str:
        base = name = ".".join(path)
        count = 1
        while any(one in self.holes or one in self.unknowns for one in list_parts(name)):
            count += 1
            name = f"{base}_{count}"
        self.names[id(node)] = name
        return name


def list_parts(name: str) -> list[str]:
    """Return op.part1, op.part2, op.part3 for `op.part*3`; any other name alone."""
    match = PARTS.search(name)
    return [PARTS.sub(f"part{i}", name) for i in range(1, int(match[1]) + 1)] if match else [name]


STRUCTURE = frozenset({"each", "branches", "split", "do", "then", "else", "block", "copy", "chunk", "shares", "sizes", "default", "search"})
