"""blockspace: convolutional blocks as split, transform and merge; costed, compiled, searched under budgets, and handed over.

Names are loaded when first used, so that importing this package costs nothing: torch comes with `compile`, Optuna with `search`.
"""

import lazy_loader

from blockspace.extensions import register_extensions

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"

register_extensions(
    graph_key="blockspace.passes:canonical_key",
    graph_nx="blockspace.graph:to_nx",
    graph_svg="blockspace.drawing:draw_svg",
    graph_png="blockspace.drawing:draw_png",
    graph_mermaid="blockspace.drawing:to_mermaid",
    graph_dot="blockspace.drawing:to_dot",
    graph_html="blockspace.drawing:draw_html",
    network_facts="blockspace.study:read_facts",
    cost_quantities="blockspace.costs:register_cost",
    node_costs="blockspace.costs:cost",
    metric_quantities="blockspace.training:register_task",
)
