"""Drawings of graphs: lanes and a summary as text, pictures as SVG and PNG, Mermaid and dot for other tools."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "lanes": ("text",),
        "summary": ("outline",),
        "picture": ("png", "svg"),
        "flowchart": ("mermaid",),
        "digraph": ("dot",),
        "page": ("html",),
        "theme": ("style_sheet",),
    },
)
