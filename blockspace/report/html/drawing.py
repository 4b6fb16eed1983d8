"""The drawing of a network inside the page."""

from __future__ import annotations

from markupsafe import Markup

from blockspace.graph import Graph, draw
from blockspace.report.html.text import tag


def drawing(graph: Graph) -> Markup:
    """The network, equal blocks folded."""
    return tag("pre", draw(graph), class_="drawing")
