"""The graph: nodes with shapes, its canonical key, its text drawing."""

from blockspace.graph.graph import Graph, Node, Scope
from blockspace.graph.names import attribute

__all__ = ["Graph", "Node", "Scope", "attribute"]
