"""The graph: nodes with shapes, its canonical key, its order of execution, its text drawings."""

from blockspace.graph.graph import MAX_NODES, Graph, Node, Scope
from blockspace.graph.names import attribute

__all__ = ["MAX_NODES", "Graph", "Node", "Plan", "Scope", "Step", "Structure", "attribute", "draw", "order", "outline", "plan", "stages"]


def __getattr__(name: str):
    if name in ("draw", "outline"):
        from blockspace.graph import drawing

        return drawing.text if name == "draw" else drawing.outline
    if name in ("Plan", "Step", "order", "plan"):
        from blockspace.graph import execution

        return getattr(execution, name)
    if name in ("Structure", "stages"):
        from blockspace.graph import structure

        return getattr(structure, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
