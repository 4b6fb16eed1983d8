"""compile: a graph as a module, with weights freshly drawn or another form's."""

from __future__ import annotations

from typing import cast

from torch import fx, nn

from blockspace.compiler.features import INDICES, Indices
from blockspace.compiler.module import build_module
from blockspace.compiler.weights.transplant import transplant, widest_dtype
from blockspace.graph import GraphLike, as_graph
from blockspace.inputs import FLAG, MODULE, SEED, TEXT, check_arguments, optional


@check_arguments(
    seed=optional(SEED), init=TEXT, features_only=FLAG, out_indices=INDICES, weights_from=optional(MODULE),
)  # fmt: skip
def compile(
    graph: GraphLike, seed: int | None = None, init: str = "default", features_only: bool = False, out_indices: Indices = None,
    weights_from: nn.Module | None = None,
) -> fx.GraphModule:  # fmt: skip
    """Return the graph, or networkx DAG, as a module, `(N, C, H, W) -> (N, C', H', W')` or `(N, C')`, with freshly drawn weights.

    Layers, and the weights of functions, are at their node's dotted name, so state_dict keys are `<node>.weight`. No height or width is
    baked in. `seed` draws from a generator of its own; None from torch's global one. `init` names a policy of `compiler.init.POLICIES`.
    `module.meta` holds `name`, `input_shape` and `graph`. `weights_from` is a module whose weights it takes: one that `compile` made of
    another form of the same network, or one that holds the same layers; its numbers keep their type (float64, bfloat16).

    With `features_only` the module is a backbone, `(N, C, H, W) -> [(N, C', H', W'), ...]`: the network's feature maps, one for each
    reduction, without the layers behind the last. `out_indices` chooses among them (negative ones count from the end, an integer n takes
    the last n) and gives their order; `module.feature_info` says `.channels()`, `.reduction()` and `.module_name()`, as timm's does.

    Raises BlockspaceError: E-NAME, E-WEIGHTS, what `Graph.verify` raises, E-SHAPE for a graph without stages, E-TYPE for indices that do
    not exist.
    """
    module = build_module(as_graph(graph), seed, init, features_only, out_indices)
    if weights_from is None:
        return module
    dtype = widest_dtype(weights_from)
    return cast(fx.GraphModule, transplant(weights_from, module if dtype is None else module.to(dtype)))
