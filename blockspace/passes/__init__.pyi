from .match import Match as Match
from .mutable_graph import MutableGraph as MutableGraph
from .pipeline import canonical as canonical, canonical_key as canonical_key, deploy as deploy, rewriting_of as rewriting_of
from .random_graphs import random_graph as random_graph, relabel_graph as relabel_graph
from .rewriting import RewriteStep as RewriteStep, Rewriting as Rewriting, rewrite as rewrite, tensor_shapes as tensor_shapes
from .rule import (
    PIPELINES as PIPELINES,
    RULES as RULES,
    Rule as Rule,
    load_rules as load_rules,
    pipeline_rules as pipeline_rules,
    rule as rule,
)
from .weight_map import (
    AddExpr as AddExpr,
    ConcatExpr as ConcatExpr,
    DiracExpr as DiracExpr,
    FullExpr as FullExpr,
    GatherExpr as GatherExpr,
    PadExpr as PadExpr,
    PermuteExpr as PermuteExpr,
    ReshapeExpr as ReshapeExpr,
    RsqrtExpr as RsqrtExpr,
    SameExpr as SameExpr,
    ScaleExpr as ScaleExpr,
    SliceExpr as SliceExpr,
    SourceExpr as SourceExpr,
    SumExpr as SumExpr,
    WeightExpr as WeightExpr,
    WeightMap as WeightMap,
)
