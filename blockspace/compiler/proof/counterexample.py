"""Counter-example: as little of a graph as shows that a rule is not true, and its two sides in words."""

from __future__ import annotations

from dataclasses import fields
from difflib import ndiff

from blockspace.compiler.proof.equivalence import find_difference, live_subgraph
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import Op, show
from blockspace.passes import Rewriting, Rule, rewrite

MOST_LINES = 40


def minimize_counterexample(rule: Rule, found: Rewriting) -> tuple[Rewriting, str]:
    """Return the graph up to the first value at which the two sides differ, rewritten, and how they differ there."""
    for node in found.before:
        try:
            cut = rewrite(live_subgraph(found.before, node.name), rule.pipeline, [rule])
        except BlockspaceError:
            continue
        difference = find_difference(cut, rule.pipeline) if cut.steps else ""
        if difference:
            return cut, difference
    return found, find_difference(found, rule.pipeline)


def diff_graphs(found: Rewriting) -> str:
    """Return both graphs as one list: removed nodes have a -, added ones a +."""
    return limit_lines([line for line in ndiff(node_lines(found.before), node_lines(found.after)) if not line.startswith("?")])


def list_nodes(graph: Graph) -> str:
    """Return a line a node: its name, its op, what it reads."""
    return limit_lines([f"  {line}" for line in node_lines(graph)])


def node_lines(graph: Graph) -> list[str]:
    """Return a line a node: `name = Op(...)(inputs)  # shape`."""
    return [f"{node.name} = {brief_op(node.op)}({', '.join(node.inputs)})  # {show(node.shape)}" for node in graph]


def brief_op(op: Op) -> str:
    """Return an op as Python makes it, settings at their defaults left out."""
    given = [f"{field.name}={getattr(op, field.name)!r}" for field in fields(op) if getattr(op, field.name) != field.default]
    return f"{type(op).__name__}({', '.join(given)})"


def limit_lines(found: list[str]) -> str:
    """Return the lines as text, the last of too many left out."""
    return "\n".join(found if len(found) <= MOST_LINES else [*found[: MOST_LINES - 2], f"  ... and {len(found) - MOST_LINES + 2} more"])
