"""Proof of a rule by another judge than the rewriter: its two sides compared as modules wherever it fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from difflib import ndiff
from itertools import islice
from pathlib import Path

from blockspace.compiler.proof.equivalence import find_difference, live_subgraph
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.ops import Op, format_shape
from blockspace.passes import Rewriting, Rule, load_rules, pipeline_rules, random_graph, rewrite

SAMPLES = 200  # random graphs tried; a rule does not fire on most
ENOUGH = 8  # of those it fires on
MOST_LINES = 40  # of a graph shown in a counter-example


def prove(rule: Rule, graphs: Iterable[Graph] = (), samples: int = SAMPLES, enough: int = ENOUGH) -> int:
    """Hold a rule against its example, `graphs` and random ones wherever it fires; returns on how many.

    Of `samples` random graphs the first `enough` on which it fires count.

    Raises BlockspaceError (E-RULE) with the counter-example: the graph, the mode, what differs and by how much; or when the rule does not
    even fire on its own example.
    """
    if not prove_on_graph(rule, rule.example()):
        raise error("E-RULE", f"the rule {rule.name} does not apply to its own example", help="give it an example to which it applies")
    fired = (1 for seed in range(samples) if prove_on_graph(rule, random_graph(seed)))
    return 1 + sum(islice(fired, enough)) + sum(prove_on_graph(rule, graph) for graph in graphs)


def load_proven_rules(path: str | Path, graphs: Iterable[Graph] = ()) -> list[Rule]:
    """Return the rules of a Python file, each proven. Raises BlockspaceError (E-FILE, E-RULE) with the counter-example of a failure."""
    rules = load_rules(path)
    graphs = list(graphs)
    for rule in rules:
        prove(rule, graphs)
    return rules


def prove_on_graph(rule: Rule, graph: Graph) -> bool:
    """Return whether the rule fires on this graph; it then holds there, or E-RULE is raised."""
    fired = False
    for found in find_firings(rule, graph):
        fired = True
        if find_difference(found, rule.pipeline):
            least, difference = minimize_counterexample(rule, found)
            raise error("E-RULE", f"the rule {rule.name} is not correct: {difference}; counter-example:\n{diff_graphs(least)}")
    return fired


def find_firings(rule: Rule, graph: Graph) -> Iterator[Rewriting]:
    """Yield the graph rewritten by this rule alone: as it is, and after all other rules have been applied."""
    for start in (graph, rewrite_by_others(rule, graph)):
        try:
            found = rewrite(start, rule.pipeline, [rule])
        except BlockspaceError as reason:
            raise error("E-RULE", f"{reason}; on the graph\n{list_nodes(start)}") from None
        if found.steps:
            yield found


def rewrite_by_others(rule: Rule, graph: Graph) -> Graph:
    """Return the graph after the other rules; itself where those need this one."""
    try:
        return rewrite(graph, rule.pipeline, [other for other in pipeline_rules(rule.pipeline) if other.name != rule.name]).after
    except BlockspaceError:
        return graph


# -- counter-examples ----------------------------------------------------------------------------------------------------------------------


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
    return [f"{node.name} = {brief_op(node.op)}({', '.join(node.inputs)})  # {format_shape(node.shape)}" for node in graph]


def brief_op(op: Op) -> str:
    """Return an op as Python makes it, settings at their defaults left out."""
    given = [f"{field.name}={getattr(op, field.name)!r}" for field in fields(op) if getattr(op, field.name) != field.default]
    return f"{type(op).__name__}({', '.join(given)})"


def limit_lines(found: list[str]) -> str:
    """Return the lines as text, the last of too many left out."""
    return "\n".join(found if len(found) <= MOST_LINES else [*found[: MOST_LINES - 2], f"  ... and {len(found) - MOST_LINES + 2} more"])
