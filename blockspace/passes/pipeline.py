"""The pipelines: columns of rules, run until none applies."""

from __future__ import annotations

from blockspace.graph import Graph
from blockspace.passes.rewriting import rewrite


def canonical(graph: Graph) -> Graph:
    """The form that is searched, trained and saved, true to `graph` in train and eval, gradients included; `.written` is `graph`.

    Raises BlockspaceError (E-RULE) when a rule breaks a promise.
    """
    return graph if graph.form == "canonical" else rewrite(graph, "canonical").after
