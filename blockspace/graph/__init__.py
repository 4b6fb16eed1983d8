"""The graph: nodes with shapes, its canonical key, its order of execution, structure and features, its drawings as text and as pictures."""

from blockspace.graph.graph import MAX_NODES, Graph, Node, Scope
from blockspace.graph.names import attribute

_HOME = {
    **dict.fromkeys(("dot", "html", "mermaid", "outline", "png", "style_sheet", "svg", "text"), "drawing"),
    **dict.fromkeys(("Plan", "Step", "order", "plan"), "execution"),
    **dict.fromkeys(("Feature", "features"), "feature"),
    **dict.fromkeys(("Structure", "stages"), "structure"),
    **dict.fromkeys(("colours", "passes", "skeleton"), "key"),
}  # loaded when first used
_RENAMED = {"draw": "text"}
__all__ = ["MAX_NODES", "Graph", "Node", "Scope", "attribute", *_RENAMED, *(name for name in _HOME if name != "text")]


def __getattr__(name: str):
    name = _RENAMED.get(name, name)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
