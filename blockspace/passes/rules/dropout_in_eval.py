"""Dropout does nothing in eval mode."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import Conv, Dropout, DropPath
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import TIDY, rule


def example() -> Graph:
    """Return a graph on which the rule fires."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="conv")
    graph.add(Dropout(0.2), "conv", name="dropout")
    graph.add(DropPath(0.2), "dropout", name="drop_path")
    return graph


@rule("dropout(x) = x in eval mode", at=(Dropout, DropPath), rank=TIDY, example=example, pipeline="deploy")
def dropout_in_eval(graph: MutableGraph, node: Node) -> Match | str:
    """Elements and paths are dropped in training alone."""
    return Match(graph).put(node, node.inputs[0])
