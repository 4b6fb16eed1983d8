"""The costs of a graph's canonical form, where they are others than its own: the form that is searched, trained, exported and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blockspace.costs import Cost
    from blockspace.graph import Graph


def cost_canonical(graph: Graph) -> Cost:
    """Return the costs of the graph's canonical form."""
    from blockspace.costs import cost
    from blockspace.passes import canonical

    return cost(canonical(graph))


def list_differing_costs(graph: Graph) -> dict[str, tuple[int, int]]:
    """Return the costs of the graph and of its canonical form, by name, where they differ; none for a graph that is rewritten already."""
    from blockspace.costs import COSTS, cost

    if graph.form != "written":
        return {}
    own, form = cost(graph), cost_canonical(graph)
    pairs = {name: (getattr(own, name), getattr(form, name)) for name in COSTS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def format_form_costs(graph: Graph) -> str:
    """Return a line with the costs of the canonical form that are others than those of the graph as written; empty where none is."""
    from blockspace.costs import COSTS

    texts = [f"{COSTS[name].format_amount(form)} {COSTS[name].word}" for name, (_, form) in list_differing_costs(graph).items()]
    return f"as written; its canonical form, which is trained, exported and reported: {', '.join(texts)}" if texts else ""
