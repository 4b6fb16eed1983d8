"""Proof of a rule by another judge than the rewriter: its two sides compared as modules wherever it fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from blockspace.compiler.proof.agreement import disagreement
from blockspace.compiler.proof.counterexample import listing, sides, smallest
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.passes import Rewriting, Rule, column, random_graph, rewrite, rules_of

SAMPLES = 200  # random graphs tried; a rule does not fire on most
ENOUGH = 8  # of those it fires on


def prove(rule: Rule, graphs: Iterable[Graph] = (), samples: int = SAMPLES, enough: int = ENOUGH) -> int:
    """Hold a rule against its example, `graphs` and random ones wherever it fires; returns on how many.

    Of `samples` random graphs the first `enough` on which it fires count.

    Raises BlockspaceError (E-RULE) with the counter-example: the graph, the mode, what differs and by how much; or when the rule does not
    even fire on its own example.
    """
    if not holds(rule, rule.example()):
        raise error("E-RULE", f"the rule {rule.name} does not fire on its own example", help="give it an example on which it fires")
    fired = (1 for seed in range(samples) if holds(rule, random_graph(seed)))
    return 1 + sum(islice(fired, enough)) + sum(holds(rule, graph) for graph in graphs)


def proven(path: str | Path, graphs: Iterable[Graph] = ()) -> list[Rule]:
    """The rules of a Python file, each proven. Raises BlockspaceError (E-FILE, E-RULE): with the counter-example of one that fails."""
    rules = rules_of(path)
    graphs = list(graphs)
    for rule in rules:
        prove(rule, graphs)
    return rules


def holds(rule: Rule, graph: Graph) -> bool:
    """Whether the rule fires on this graph; it then holds there, or E-RULE is raised."""
    fired = False
    for found in firings(rule, graph):
        fired = True
        if disagreement(found, rule.pipeline):
            least, difference = smallest(rule, found)
            raise error("E-RULE", f"the rule {rule.name} is not true: {difference}; counter-example:\n{sides(least)}")
    return fired


def firings(rule: Rule, graph: Graph) -> Iterator[Rewriting]:
    """The graph rewritten by this rule alone: as it is, and after all other rules have done what they can."""
    for start in (graph, ready(rule, graph)):
        try:
            found = rewrite(start, rule.pipeline, [rule])
        except BlockspaceError as reason:
            raise error("E-RULE", f"{reason}; on the graph\n{listing(start)}") from None
        if found.steps:
            yield found


def ready(rule: Rule, graph: Graph) -> Graph:
    """The graph after the other rules; itself where those need this one."""
    try:
        return rewrite(graph, rule.pipeline, [other for other in column(rule.pipeline) if other.name != rule.name]).after
    except BlockspaceError:
        return graph
