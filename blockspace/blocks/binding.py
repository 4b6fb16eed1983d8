"""Given: what a template is told by the one who uses it - values of its params, and of the places that its file leaves open, by name.

A param that has a `search:` is both: a value given for it is the param's, as for any other, and need not be of those that are searched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from blockspace.blocks.holes import Hole, Holes, Token, Unknown, format_token, parse_token
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, did_you_mean
from blockspace.reader import Map, Node, Scalar, Seq

P = TypeVar("P", Hole, Unknown)

MOST_NAMED = 24  # names that are listed where one is not known


@dataclass(frozen=True)
class OpenHoles:
    """The holes and unknowns that are left open, by name."""

    holes: dict[str, Hole]
    unknowns: dict[str, Unknown]

    def __len__(self) -> int:
        return len(self.holes) + len(self.unknowns)


def check_hole_values(name: str, params: Iterable[str], holes: Holes, settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Token]:
    """Return the values `given` for holes and unknowns of the file `name` as tokens of their domains, checked with its params' `settings`.

    Raises BlockspaceError with every mistake: E-KEY for what is no param, hole or unknown, E-SPACE for a value outside a domain and for a
    place that exists only under another choice.
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
    """Return E-SPACE for a value outside a hole's domain."""
    return Mistake("E-SPACE", f"{place.name} cannot be {format_token(found)}", None, f"its domain: {place.domain}")


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

    def left(places: dict[str, P]) -> dict[str, P]:
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
    """Return a value as a token of a domain: a number, a bool or a word; None for lists and mappings."""
    node = to_node(key, found)
    return parse_token(node) if isinstance(node, Scalar) else None


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
    return Scalar(repr(found) if isinstance(found, float) else str(found), mark)
