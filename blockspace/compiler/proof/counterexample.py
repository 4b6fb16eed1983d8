"""Counter-example: as little of a graph as shows that a rule is not true, and its two sides in words."""

from __future__ import annotations

from dataclasses import fields
from difflib import ndiff

from blockspace.compiler.proof.agreement import alive, disagreement
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import Op, show
from blockspace.passes import Rewriting, Rule, rewrite

MOST_LINES = 40


def smallest(rule: Rule, found: Rewriting) -> tuple[Rewriting, str]:
    """The graph up to the first value at which the two sides differ, rewritten, and how they differ there."""
    for node in found.before:
        try:
            cut = rewrite(alive(found.before, node.name), rule.pipeline, [rule])
        except BlockspaceError:
            continue
        difference = disagreement(cut, rule.pipeline) if cut.steps else ""
        if difference:
            return cut, difference
    return found, disagreement(found, rule.pipeline)


def sides(found: Rewriting) -> str:
    """Both graphs as one list: what went has a -, what came a +."""
    return limited([line for line in ndiff(lines(found.before), lines(found.after)) if not line.startswith("?")])


def listing(graph: Graph) -> str:
    """A line a node: its name, its op, what it reads."""
    return limited([f"  {line}" for line in lines(graph)])


def lines(graph: Graph) -> list[str]:
    return [f"{node.name} = {brief(node.op)}({', '.join(node.inputs)})  # {show(node.shape)}" for node in graph]


def brief(op: Op) -> str:
    """An op as Python makes it, settings at their defaults left out."""
    given = [f"{field.name}={getattr(op, field.name)!r}" for field in fields(op) if getattr(op, field.name) != field.default]
    return f"{type(op).__name__}({', '.join(given)})"


def limited(found: list[str]) -> str:
    """The lines as text, the last of too many left out."""
    return "\n".join(found if len(found) <= MOST_LINES else [*found[: MOST_LINES - 2], f"  ... and {len(found) - MOST_LINES + 2} more"])
