"""Serialize a network with every hole filled and every unknown solved as one YAML file that needs no other file of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from blockspace.blocks.holes import Categorical, Holes, Token, is_inherited, list_parts, parse_domain, parse_solved_range
from blockspace.blocks.network import Network
from blockspace.blocks.parameters import Param, get_text
from blockspace.blocks.template import to_node, to_token
from blockspace.blocks.template_file import BlockUnit, TemplateFile
from blockspace.errors import BlockspaceError, error
from blockspace.files import ARCH
from blockspace.graph import Graph, structural_key
from blockspace.reader import Map, Node, Scalar, Seq, parse_yaml
from blockspace.units import parse_number


def serialize_network(network: Network, values: Mapping[str, Token]) -> str:
    """Return the YAML text of `network` under `values` (holes and unknowns by name), with its input shape and settings written in.

    Block files of the user's own are written into `blocks:`, each with its own parts and blocks, so that names of theirs never meet.
    """
    file = network.file
    filled = _ValueWriter(network, values)
    tree: dict[str, Any] = {"format": "blockspace/network/1", "network": network.name}
    for key in ("doc", "paper"):
        if text := get_text(file.root.get(key)):
            tree[key] = text
    params = {name: write_param(network, name, filled) for name in file.params}
    if params:
        tree["params"] = params
    for key in ("let", "require", "defaults"):
        if key in file.root:
            tree[key] = filled.plain(file.root.items[key])
    tree |= write_units(file, filled)
    tree["input"] = list(network.shape_under({**network.filled, **values}))
    for key, node in file.sections.items():
        tree[key] = filled.plain(node)
    return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True))


def check_serialized(text: str, graph: Graph) -> None:
    """Load the text of a serialized network and compare its graph with `graph`, by structure, else by canonical key.

    Raises E-SPACE when the keys differ, and every mistake of the text.
    """
    file = TemplateFile(parse_yaml(text, ARCH), ARCH).check()
    if file.mistakes:
        raise BlockspaceError(*file.mistakes)
    loaded = Network(file).graph()
    if structural_key(loaded) != structural_key(graph) and loaded.key() != graph.key():
        raise error("E-SPACE", f"{file.name}: the network file that was written loads to another graph", help="please report this network")


def write_param(network: Network, name: str, filled: _ValueWriter) -> Any:
    """Return a param's value: as bound, as chosen, or as written."""
    param = network.file.params[name]
    if name not in network.settings:
        return write_declared_param(param, filled)
    return add_words(param, filled.plain(param.meant(to_node(name, network.settings[name]))))


def write_declared_param(param: Param, filled: _ValueWriter) -> Any:
    """Return a param's value, its hole filled."""
    return add_words(param, filled.plain(param.node if param.search is not None else param.default or param.node))


def add_words(param: Param, value: Any) -> Any:
    """Return the value, with the words that expressions may compare it to; without its `search:` they would be unknown."""
    words = param.words()
    return {"default": value, "words": words} if words else value


def write_units(file: TemplateFile, filled: _ValueWriter) -> dict[str, Any]:
    """Return the file's `blocks:` and `parts:`: the block files that it imports as they are, and its parts."""
    blocks = {word: write_block(unit) for word, unit in file.imported.items()}
    parts = {name: write_unit(unit, filled) for name, unit in file.parts.items()}
    return {key: units for key, units in (("blocks", blocks), ("parts", parts)) if units}


def write_block(file: TemplateFile) -> dict[str, Any]:
    """Return a block file as the mapping that `blocks:` takes in place of its path; its holes are at their defaults."""
    filled = _ValueWriter(None, {})
    unit = write_unit(file, filled)
    flow = unit.pop("flow")
    return {"block": file.name, **unit, **write_units(file, filled), "flow": flow}


def write_unit(unit: BlockUnit, filled: _ValueWriter) -> dict[str, Any]:
    """Return a block or part as the mapping that `blocks:` and `parts:` take."""
    tree: dict[str, Any] = {}
    if unit.params:
        tree["params"] = {name: write_declared_param(param, filled) for name, param in unit.params.items()}
    if unit.lets:
        tree["let"] = {name: filled.plain(node) for name, node in unit.lets.items()}
    if unit.requires:
        tree["require"] = [filled.plain(node) for node in unit.requires]
    if unit.defaults:
        tree["defaults"] = {name: filled.plain(node) for name, node in unit.defaults.items()}
    return tree | {"flow": filled.plain(unit.flow)}


class _ValueWriter:
    """Turns nodes into plain values, holes and unknowns replaced by what was chosen."""

    def __init__(self, network: Network | None, values: Mapping[str, Token]):
        self.holes = network.holes if network else None
        self.settings = {key: to_token(key, found) for key, found in network.settings.items()} if network else {}
        self.values = {**network.filled, **values} if network else dict(values)
        self.part: int | None = None  # of an untied hole, while its values are written one by one

    def plain(self, node: Node) -> Any:
        """Return a node as lists, dicts, numbers and texts."""
        if isinstance(node, Scalar):
            return write_scalar(node)
        if isinstance(node, Seq):
            return [self.plain(item) for item in node.items]
        if "search" in node or "solve" in node:
            return self.chosen(node)
        return {key: self.plain(value) for key, value in node.items.items() if not self.is_left_out(value)}

    def is_left_out(self, node: Node) -> bool:
        """Return whether a setting is inherited and nothing was chosen: without it the block's own default holds, in the block's names."""
        name = self.holes.names.get(id(node)) if self.holes is not None else None
        given = isinstance(node, Map) and "default" in node
        return is_inherited(node) and not given and not any(one in self.values for one in list_parts(name or ""))

    def chosen(self, node: Map) -> Any:
        """Return the value of a hole or unknown: assigned, or its default."""
        if self.holes is not None and (name := self.holes.names.get(id(node))) is not None:
            if "*" in name:
                if self.part is None:
                    return self.per_part(node, len(list_parts(name)))
                name = list_parts(name)[0 if self.tied(name, self.holes) else self.part - 1]
            if name in self.values:
                token = self.values[name]
                hole = self.holes.holes.get(name)
                if hole is None or not isinstance(hole.domain, Categorical):
                    return token
                return self.plain(hole.domain.nodes[token])
        if "default" in node:
            default, search = node.items["default"], node.get("search")
            if isinstance(search, Map) and isinstance(default, Scalar) and default.text in search:
                return self.plain(search.items[default.text])
            return self.plain(default)
        return self.first(node)

    def first(self, node: Map) -> Any:
        """Return the value of a hole or unknown without a default: the first of its domain, the lowest of its range."""
        if is_inherited(node):  # between the branches of a condition
            param = self.holes.inherited.get(id(node)) if self.holes is not None else None
            return self.plain(node.items["search"]) if param is None else write_declared_param(param, self)
        domain = parse_solved_range(node) if "solve" in node else parse_domain(node.items["search"])
        return self.plain(domain.nodes[domain.tokens[0]]) if isinstance(domain, Categorical) else domain.low

    def tied(self, name: str, holes: Holes) -> bool:
        """Return whether a param says that all parts read the first one's value."""
        switch = holes.switch(name)
        return switch is not None and not (self.values | self.settings).get(switch, holes.holes[switch].default)

    def per_part(self, node: Map, count: int) -> Any:
        """Return an untied hole as conditions on the part's number."""
        values = []
        for self.part in range(1, count + 1):
            values.append(self.chosen(node))
        self.part = None
        if all(value == values[0] for value in values):
            return values[0]
        tree = values[-1]
        for part in range(count - 1, 0, -1):
            tree = {"if": f"part == {part}", "then": values[part - 1], "else": tree}
        return tree


def write_scalar(node: Scalar) -> int | bool | str:
    """Return a number or truth value as itself, so that it is written without quotes; else the text."""
    if node.text in ("true", "false"):
        return node.text == "true"
    try:
        found = parse_number(node.text)
    except BlockspaceError:
        return node.text
    return found if isinstance(found, int) and str(found) == node.text else node.text


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """Lists and small mappings on one line, as a person writes steps."""

    def ignore_aliases(self, data: object) -> bool:
        """Return True: equal values are written out."""
        return True


def _mapping(dumper: _Dumper, data: dict[str, Any]) -> yaml.Node:
    flat = all(not isinstance(v, (dict, list)) for v in data.values()) and len(data) <= 6
    return dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=flat and bool(data))


def _sequence(dumper: _Dumper, data: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=all(not isinstance(v, (dict, list)) for v in data))


_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _sequence)
