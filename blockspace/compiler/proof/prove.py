"""Proof of a rule by another judge than the rewriter: its two sides compared as modules wherever it fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from blockspace.compiler.proof.counterexample import diff_graphs, list_nodes, minimize_counterexample
from blockspace.compiler.proof.equivalence import find_difference
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.passes import Rewriting, Rule, load_rules, pipeline_rules, random_graph, rewrite

SAMPLES = 200  # random graphs tried; a rule does not fire on most
ENOUGH = 8  # of those it fires on


def prove(rule: Rule, graphs: Iterable[Graph] = (), samples: int = SAMPLES, enough: int = ENOUGH) -> int:
    """Hold a rule against its example, `graphs` and random ones wherever it fires; returns on how many.

    Of `samples` random graphs the first `enough` on which it fires count.

    Raises BlockspaceError (E-RULE) with the counter-example: the graph, the mode, what differs and by how much; or when the rule does not
    even fire on its own example.
    """
    if not prove_on_graph(rule, rule.example()):
        raise error("E-RULE", f"the rule {rule.name} does not fire on its own example", help="give it an example on which it fires")
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
            raise error("E-RULE", f"the rule {rule.name} is not true: {difference}; counter-example:\n{diff_graphs(least)}")
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
