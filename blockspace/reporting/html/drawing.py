"""The drawing of a network inside the page: one style sheet for all, as the page's policy names it by its hash."""

from __future__ import annotations

from markupsafe import Markup

from blockspace.drawing import build_style_sheet
from blockspace.graph import Graph
from blockspace.reporting.html.text import shown, tag


def drawing(graph: Graph) -> Markup:
    """The network with equal blocks folded and the share of macs as heat."""
    svg = Markup(shown(graph.svg(styled=False)))  # it has escaped its names
    return tag("div", svg, class_="drawing")


def drawing_style() -> str:
    """The rules of the drawings, light and dark; on paper light."""
    return f"{build_style_sheet()}\n@media print {{\n{build_style_sheet('light')}\n}}"
