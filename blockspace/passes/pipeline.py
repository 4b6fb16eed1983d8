"""The pipelines: columns of rules, run until none applies."""

from __future__ import annotations

from weakref import ref

from blockspace.graph import Graph, GraphLike, as_graph, structural_key
from blockspace.passes.rewriting import Rewriting, rewrite


def canonical(graph: GraphLike) -> Graph:
    """Return the form that is searched, trained and saved, equal to `graph` in train and eval mode, gradients included.

    `graph` is a Graph or a networkx DAG (see `from_nx`). `.written` of the form is the graph; `rewriting_of(graph)` has the steps and the
    weight map between them. Raises BlockspaceError (E-RULE) when a rule breaks a promise.
    """
    return rewriting_of(as_graph(graph), "canonical").after


def deploy(graph: GraphLike) -> Graph:
    """Return the form that is fastest in eval mode, and equal there alone; `.written` is the canonical form of `graph`.

    Its weights are made of a trained module's: `compile(deploy(graph), weights_from=module)`. Raises BlockspaceError (E-RULE) when a rule
    breaks a promise.
    """
    graph = as_graph(graph)
    return graph if graph.form == "deploy" else rewriting_of(canonical(graph), "deploy").after


def rewriting_of(graph: Graph, pipeline: str = "canonical") -> Rewriting:
    """Return how a graph becomes its form of a pipeline; of a graph that has this form already, a rewriting without steps.

    The form is kept as long as somebody holds it, so asking again does not rewrite again. Raises BlockspaceError (E-RULE) when a rule
    breaks a promise.
    """
    if graph.form == pipeline:
        return Rewriting(graph, graph, ())
    known: ref[Graph] | None = graph.derived().get(pipeline)  # weak: a form holds the graph it was made of, not the other way round
    form = None if known is None else known()
    kept: Rewriting | None = None if form is None else form.derived().get(pipeline)  # None when somebody has changed the form since
    if kept is not None:
        return kept
    found = rewrite(graph, pipeline)
    found.after.derived()[pipeline] = found
    graph.derived()[pipeline] = ref(found.after)
    return found


def canonical_key(graph: Graph) -> str:
    """Return the structural key of the canonical form: `v3:` and 32 hex digits. It is what `graph.key()` calls.

    Raises BlockspaceError (E-RULE) when a rule breaks a promise.
    """
    known = graph.derived()
    if "key" not in known:
        known["key"] = structural_key(canonical(graph))
    return str(known["key"])
