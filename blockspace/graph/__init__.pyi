from .execution import (
    Plan as Plan,
    Step as Step,
    order_steps as order_steps,
    plan_execution as plan_execution,
    to_attribute as to_attribute,
)
from .feature import Feature as Feature, find_features as find_features
from .graph import MAX_NODES as MAX_NODES, Graph as Graph, Node as Node, Scope as Scope
from .key import (
    is_passthrough as is_passthrough,
    refine_colours as refine_colours,
    strip_passthrough as strip_passthrough,
    structural_key as structural_key,
)
from .networkx_io import (
    GraphLike as GraphLike,
    as_graph as as_graph,
    from_nx as from_nx,
    is_graph_file as is_graph_file,
    is_nx as is_nx,
    load_node_link as load_node_link,
    to_node_link as to_node_link,
    to_nx as to_nx,
)
from .structure import Structure as Structure, group_by_stage as group_by_stage
