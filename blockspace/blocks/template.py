"""Templates: a file and the settings bound to it; with an input shape they expand to a Graph. Block is the template of one block."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, TypeVar

from blockspace.blocks.evaluate import INVALID, LexicalScope, Settings
from blockspace.blocks.expansion.context import Frame, StepValue
from blockspace.blocks.expansion.expander import Expansion
from blockspace.blocks.holes import Hole, Holes, Token, Unknown, format_token, parse_token
from blockspace.blocks.parameters import is_list_value
from blockspace.blocks.template_file import TemplateFile
from blockspace.blocks.variants import SETTING
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, did_you_mean, error
from blockspace.graph import Graph
from blockspace.inputs import read_input_shape, show_value
from blockspace.ops import Shape
from blockspace.reader import Map, Node, Scalar, Seq, parse_yaml
from blockspace.units import OWNERS, split_measure

Values = Mapping[str, Token]  # holes and unknowns by name
Place = TypeVar("Place", Hole, Unknown)

MOST_NAMED = 24  # names that are listed where one is not known


@dataclass(frozen=True)
class OpenHoles:
    """The holes and unknowns that are left open, by name."""

    holes: dict[str, Hole]
    unknowns: dict[str, Unknown]

    def __len__(self) -> int:
        return len(self.holes) + len(self.unknowns)


class Template:
    """A file with settings bound to its params and holes; `graph()` expands it."""

    def __init__(self, file: TemplateFile, settings: dict[str, Any] | None = None, shape: Shape | None = None):
        self.settings = dict(settings or {})
        if file.variants:
            file = file.member(str(self.settings.pop(SETTING, file.name)), self.settings)
        self.file, self.shape = file, shape
        others = {key: self.settings.pop(key) for key in list(self.settings) if key not in file.params}
        self.filled: dict[str, Token] = check_hole_values(file.name, file.params, self.holes, self.settings, others) if others else {}

    @property
    def name(self) -> str:
        """Return the name of the block or network."""
        return self.file.name

    @property
    def doc(self) -> str:
        """Return its one-line description."""
        return self.file.doc

    @property
    def paper(self) -> str:
        """Return where it was published."""
        return self.file.paper

    @property
    def reference(self) -> str:
        """Return what it equals: `torchvision:NAME`, `timm:NAME`, or `paper`; empty when it does not say."""
        return self.file.reference

    @property
    def params(self) -> dict[str, str]:
        """Return each param with its value, as set or as written."""
        return {key: str(self.settings.get(key, param.default)) for key, param in self.file.params.items()}

    @cached_property
    def holes(self) -> Holes:
        """Return the holes and unknowns of the file."""
        return Holes(self.file)

    @cached_property
    def open(self) -> OpenHoles:
        """Return the holes and unknowns that have no value yet."""
        given = {key: to_token(key, found) for key, found in self.settings.items()}
        return find_open_holes(self.holes, given | self.filled)

    def __call__(self, **settings: Any) -> Self:
        """Return the same template with more params bound, or holes filled."""
        return type(self)(self.file, self.settings | self.filled | settings, self.shape)

    @abstractmethod
    def graph(self, shape: Shape | None = None, values: Values | None = None) -> Graph:
        """Return the graph for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""

    @property
    @abstractmethod
    def usual_shape(self) -> Shape:
        """Return the `(C, H, W)` to show it with when none is given: of a block, its default output channels, else 64, at 56 x 56."""

    @abstractmethod
    def _run(self, context: Expansion) -> StepValue:
        """Add the nodes to the graph of `context` and return the last value."""

    def _expand(self, shape: Shape, values: Values | None) -> Graph:
        context = Expansion(self.holes, {**self.filled, **self._checked_values(values)}, read_input_shape(shape, flat=True))
        context.report(BlockspaceError(*self.file.mistakes), None, "")
        try:
            output = self._run(context)
            if isinstance(output, list):
                raise error("E-REF", f"{self.name} ends in a split without `merge:`, which is a list of parts", help="add `merge:`")
            if isinstance(output, str):
                context.graph.output = output
        except BlockspaceError as e:
            context.report(e, self.file.mark, "")
        except RecursionError:
            context.report(error("E-RECURSION", "blocks, conditions and names nest too deep"), self.file.mark, "")
        if context.mistakes:
            by_place = sorted(context.mistakes.values(), key=lambda m: (m.mark.source.path, m.mark.line) if m.mark else ("", 0))
            raise BlockspaceError(*by_place)
        return context.graph.verify()

    def _checked_values(self, values: Values | None) -> Values:
        """Return values for holes and unknowns. Raises BlockspaceError: E-TYPE unless they are a mapping, E-KEY for other names."""
        if values is None:
            return {}
        if not isinstance(values, Mapping):
            raise error("E-TYPE", f"values should be a mapping from holes to values, got {show_value(values)}")
        known = {**self.holes.holes, **self.holes.unknowns}
        if wrong := [unknown_param_mistake(f"{self.name} has no", str(key), (), known) for key in values if key not in known]:
            raise BlockspaceError(*wrong)
        return values

    def _given(self, context: Expansion) -> tuple[Settings, LexicalScope]:
        """Return the settings as nodes, and the scope they are read in, where only the channels that enter are known."""
        entering = context.channels_of("input")
        place = LexicalScope(None, {"in_channels": entering, "channels": entering}, self.file, context)
        return {key: (to_node(key, found), place) for key, found in self.settings.items()}, place

    def svg(self, shape: Shape | None = None, **options: Any) -> str:
        """Return the drawing for an input of `(C, H, W)` as SVG; a block without a shape has its usual one. Options as `Graph.svg`."""
        return self.graph(shape).svg(**options)

    def png(self, shape: Shape | None = None, **options: Any) -> bytes:
        """Return the drawing as PNG; arguments as for `svg`."""
        return self.graph(shape).png(**options)

    def _repr_svg_(self) -> str | None:
        """Return what a notebook shows; None where the block does not fit its usual shape."""
        try:
            return self.svg()
        except BlockspaceError:
            return None

    def _repr_html_(self) -> str:
        try:
            return self.graph(self.usual_shape)._repr_html_()
        except BlockspaceError as e:
            from html import escape

            return f"<pre>{escape(repr(self))}\n{escape(e.render())}</pre>"

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v}" for k, v in (self.settings | self.filled).items())
        return f"<{type(self).__name__} {self.name}({given})>"


class Block(Template):
    """A block: expands for any input shape."""

    @property
    def equation(self) -> str:
        """Return the block in a line or two of math; empty when it does not say."""
        return self.file.equation

    def graph(self, shape: Shape | None = None, values: Values | None = None) -> Graph:
        """Return the graph for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""
        return self._expand(self.usual_shape if shape is None else shape, values)

    @property
    def usual_shape(self) -> Shape:
        """Return the `(C, H, W)` to show it with when none is given: of a block, its default output channels, else 64, at 56 x 56."""
        text = self.params.get("out_channels", "64")
        return (int(text) if text.isdigit() else 64, 56, 56)

    def _run(self, context: Expansion) -> StepValue:
        settings, place = self._given(context)
        env = context.bind_unit(self.file, settings, place, "input")
        if not context.check_requirements(self.file, env, ""):
            return INVALID
        return context.expand_flow(self.file.flow, Frame(env, {"input": "input"}, ""), "input")


def check_hole_values(name: str, params: Iterable[str], holes: Holes, settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Token]:
    """Return the values `given` for holes and unknowns of the file `name` as tokens of their domains, checked with its params' `settings`.

    Raises BlockspaceError with every mistake: E-KEY for what is not a param, hole or unknown, E-SPACE for a value outside a domain and for
    a place that exists only under another choice.
    """
    places: dict[str, Hole | Unknown] = {**holes.holes, **holes.unknowns}
    tokens = {key: to_token(key, found) for key, found in {**settings, **given}.items()}
    mistakes = []
    for key in given:
        if key not in places:
            mistakes.append(unknown_param_mistake(f"{name} has no", key, params, places))
        elif tokens[key] not in places[key].domain:
            mistakes.append(outside_domain_mistake(places[key], given[key]))
        elif wrong := inactive_under_mistake(places[key], places, tokens):
            mistakes.append(wrong)
    if mistakes:
        raise BlockspaceError(*mistakes)
    return {key: tokens[key] for key in given}


def unknown_param_mistake(whose: str, key: str, params: Iterable[str], places: Iterable[str] = ()) -> Mistake:
    """Return E-KEY for a setting that is neither a param nor a hole; `whose` as `resnext has no`."""
    known = list(dict.fromkeys([*params, *places]))
    holes = " or hole" if set(places) - set(params) else ""
    hint = did_you_mean(key, known)
    listed = ", ".join(known[:MOST_NAMED]) + (f", and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else "")
    return Mistake("E-KEY", f"{whose} param{holes} {key!r}", None, f"{hint + ' ' if hint else ''}known: {listed or 'none'}")


def outside_domain_mistake(place: Hole | Unknown, found: Token) -> Mistake:
    """Return E-SPACE for a value outside a hole's domain; E-VALUE for a number whose unit no domain has."""
    parts = split_measure(found) if isinstance(found, str) else None
    code = "E-VALUE" if parts and parts[1] in OWNERS else "E-SPACE"
    return Mistake(code, f"{place.name} cannot be {format_token(found)}", None, f"its domain: {place.domain}")


def inactive_mistake(place: Hole | Unknown) -> Mistake:
    """Return E-SPACE for a hole that exists only under a choice that was not made."""
    name, choice = place.under or ("", "")
    text = format_token(choice)
    return Mistake("E-SPACE", f"{place.name} exists only where {name} is {text}", None, f"set {name} to {text}")


def inactive_under_mistake(place: Hole | Unknown, places: dict[str, Hole | Unknown], tokens: dict[str, Any]) -> Mistake | None:
    """Return the mistake of a hole that does not exist under these values (others at their defaults); None where it exists."""
    if place.under is None:
        return None
    name, choice = place.under
    if tokens.get(name, places[name].default) != choice:
        return inactive_mistake(place)
    return inactive_under_mistake(places[name], places, tokens)


def find_open_holes(holes: Holes, chosen: dict[str, Any]) -> OpenHoles:
    """Return the holes left once `chosen` are fixed: those under another choice are gone, those under this one always exist."""
    gone: set[str] = set()

    def left(places: dict[str, Place]) -> dict[str, Place]:
        found = {}
        for name, place in places.items():
            outer, choice = place.under or ("", None)
            if outer in gone or outer in chosen and chosen[outer] != choice:
                gone.add(name)
            elif name not in chosen:
                found[name] = replace(place, under=None) if outer in chosen else place
        return found

    return OpenHoles(left(holes.holes), left(holes.unknowns))


def to_token(key: str, found: Any) -> Any:
    """Return a value as a token of a domain: a number, a bool, a word or a list of numbers; None for flows and mappings."""
    node = to_node(key, found)
    return parse_token(node) if isinstance(node, Scalar) or is_list_value(node) else None


def to_node(key: str, found: Any) -> Node:
    """Return the node that YAML would have made of a Python value given to `load`."""
    mark = Mark(Source(f"<{key}>", str(found)), 1, 1)
    if isinstance(found, (list, tuple)):
        return Seq([to_node(key, item) for item in found], mark)
    if isinstance(found, dict):
        node = Map(mark)
        node.items = {str(k): to_node(key, v) for k, v in found.items()}
        node.keys = {str(k): mark for k in found}
        return node
    if isinstance(found, bool):
        return Scalar(str(found).lower(), mark)
    if isinstance(found, str) and found.lstrip().startswith("["):  # a list as the command line gives it
        return parse_yaml(found, mark.source.path)
    return Scalar(repr(found) if isinstance(found, float) else str(found), mark)
