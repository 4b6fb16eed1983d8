"""Values of one kind: what a node says where a whole number, a pair, a truth value, a number or a word is taken."""

from __future__ import annotations

from collections.abc import Collection

from blockspace.blocks.evaluate import Alternative, FlowValue, LexicalScope, Value, evaluate_node
from blockspace.blocks.parameters import suggest_domain
from blockspace.blocks.syntax import suggest_word
from blockspace.errors import BlockspaceError, Mark, error
from blockspace.reader import Node, Scalar, Seq
from blockspace.units import COUNT, is_fraction, is_number, parse_measure

MAX_CHAIN = 32  # names that stand for names


def evaluate_integer(node: Node, env: LexicalScope, what: str, low: int = 1, high: int = 65_536) -> int:
    """Return a whole number within bounds. Raises E-INEXACT with the nearest whole numbers, E-TYPE, E-TOO-BIG, E-VALUE for a share."""
    refuse_share(node, what)
    return check_integer(evaluate_node(node, env), what, node.mark, low, high)


def refuse_share(node: Node, what: str) -> None:
    """Raise BlockspaceError (E-VALUE) for a share such as `50%` where a count stands; `what` names it in the message."""
    if isinstance(node, Scalar) and node.text.endswith("%"):
        try:
            parse_measure(node.text, COUNT)
        except BlockspaceError as e:
            raise e.at(node.mark, f"{what}: ") from None


def check_integer(found: object, what: str, mark: Mark, low: int = 1, high: int = 65_536) -> int:
    """Return `found` as an int within bounds. Raises E-INEXACT, E-TYPE, E-TOO-BIG; `what` names it in the message."""
    if is_fraction(found):
        raise error("E-INEXACT", f"{what} must be an integer, got {found}", mark, f"nearest: {found.__floor__()}, {found.__ceil__()}")
    if isinstance(found, bool) or not isinstance(found, int):
        listed = get_list(found)
        raise error("E-TYPE", f"{what} must be an integer, got {found}", mark, suggest_domain(listed[0]) if listed else None)
    if found < low:
        raise error("E-TYPE", f"{what} must be at least {low}, got {found}", mark)
    if found > high:
        raise error("E-TOO-BIG", f"{what} is {found:,}; at most {high:,}", mark)
    return found


def evaluate_pair(node: Node, env: LexicalScope, what: str, low: int = 1) -> tuple[int, int]:
    """Return (height, width) from one integer for both axes, or a list of two, or what stands for one. Raises as `evaluate_integer`."""
    refuse_share(node, what)
    return check_pair(evaluate_node(node, env), what, node.mark, low)


def check_pair(found: Value, what: str, mark: Mark, low: int = 1) -> tuple[int, int]:
    """Return a value as (height, width): one integer for both axes, or a list of two. Raises as `check_integer`."""
    seen = 0
    while isinstance(found, Alternative) and not isinstance(found.node, Seq):
        seen += 1
        if seen > MAX_CHAIN:
            raise error("E-RECURSION", f"{what}: {found} stands for itself", mark)
        found = evaluate_node(found.node, found.env)
    listed = get_list(found)
    if listed is None:
        single = check_integer(found, what, mark, low)
        return single, single
    items, env = listed[0].items, listed[1]
    if len(items) != 2:
        raise error("E-TYPE", f"{what} is one number or two (height, width), got {len(items)}", mark)
    return evaluate_integer(items[0], env, what, low), evaluate_integer(items[1], env, what, low)


def get_list(found: object) -> tuple[Seq, LexicalScope] | None:
    """Return the list that a value is, with the names it is read in; None for any other value."""
    if isinstance(found, (Alternative, FlowValue)) and isinstance(found.node, Seq):
        return found.node, found.env
    return None


def evaluate_boolean(node: Node, env: LexicalScope, what: str) -> bool:
    """Return a truth value. Raises E-TYPE."""
    found = evaluate_node(node, env)
    if not isinstance(found, bool):
        raise error("E-TYPE", f"{what} is true or false, got {found}", node.mark)
    return found


def evaluate_real(node: Node, env: LexicalScope, what: str) -> float:
    """Return a number as a float. Raises E-TYPE."""
    found = evaluate_node(node, env)
    if not is_number(found):
        raise error("E-TYPE", f"{what} must be a number, got {found}", node.mark)
    return float(found)


def evaluate_word(node: Node, env: LexicalScope, what: str, allowed: Collection[str]) -> str:
    """Return one of the allowed words. Raises E-TYPE."""
    bare = isinstance(node, Scalar) and node.text.isidentifier() and not env.has(node.text)
    found: object = node.text if bare and isinstance(node, Scalar) else evaluate_node(node, env)
    found = found.name if isinstance(found, Alternative) else found
    if isinstance(found, FlowValue) and isinstance(found.node, Scalar):
        found = found.node.text
    if not isinstance(found, str) or found not in allowed:
        raise error("E-TYPE", f"{what} is one of {', '.join(sorted(allowed))}; got {found}", node.mark, suggest_word(str(found), allowed))
    return found
