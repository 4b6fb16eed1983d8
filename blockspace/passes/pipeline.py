"""The pipelines: columns of rules, run until none applies."""

from __future__ import annotations

from blockspace.graph import Graph, structural_key
from blockspace.passes.rewriting import rewrite


def canonical(graph: Graph) -> Graph:
    """The form that is searched, trained and saved, true to `graph` in train and eval, gradients included; `.written` is `graph`.

    Raises BlockspaceError (E-RULE) when a rule breaks a promise.
    """
    return graph if graph.form == "canonical" else rewrite(graph, "canonical").after


def deploy(graph: Graph) -> Graph:
    """The form that is fastest in eval mode, and equal there alone; `.written` is the canonical form of `graph`.

    Its weights are made of a trained module's: `compile(deploy(graph), weights_from=module)`. Raises BlockspaceError (E-RULE) when a rule
    breaks a promise.
    """
    return graph if graph.form == "deploy" else rewrite(canonical(graph), "deploy").after


def canonical_key(graph: Graph) -> str:
    """Return the structural key of the canonical form: `v3:` and 32 hex digits. It is what `graph.key()` calls.

    Raises BlockspaceError (E-RULE) when a rule breaks a promise.
    """
    return structural_key(canonical(graph))
