"""blockspace: convolutional blocks as split, transform and merge; costed, compiled, searched under budgets, and handed over.

Names are loaded when first used, so that importing this package costs nothing: torch comes with `compile`, Optuna with `search`.
"""

import lazy_loader

from blockspace.graph.extensions import extend_graph

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"

extend_graph(
    key="blockspace.passes:canonical_key",
    svg="blockspace.drawing:draw_svg",
    png="blockspace.drawing:draw_png",
    mermaid="blockspace.drawing:to_mermaid",
    dot="blockspace.drawing:to_dot",
    html="blockspace.drawing:draw_html",
)
