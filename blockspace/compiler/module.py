"""Graph -> torch.fx.GraphModule, built node by node; nothing is traced."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from torch import fx, nn

from blockspace.compiler.features import Indices, attach_feature_info, make_feature_info
from blockspace.compiler.init import get_policy, make_generator, make_layer, make_weight_owner
from blockspace.errors import error
from blockspace.graph import Graph, plan_execution
from blockspace.ops import INPUTS, Call, In, Weight


def build_module(
    graph: Graph, seed: int | None = None, init: str = "default", features_only: bool = False, out_indices: Indices = None
) -> fx.GraphModule:
    """Return the module with weights drawn by a policy; of a backbone, as far as its last feature map. Raises as `compile` does."""
    fill, generator, info = get_policy(init), make_generator(seed), make_feature_info(graph, features_only, out_indices)
    steps = plan_execution(graph, info.get("node") if info else ())
    module, code = make_empty_module(graph.name), fx.Graph()
    values = {"input": code.placeholder("input")}
    for step in steps.steps:
        inputs = [values[name] for name in step.inputs]
        if step.call.is_layer:
            attach_layer(module, step.name, make_layer(resolve_target(step.call.target), step.call.args, step.call.kwargs, fill, generator))
            values[step.name] = code.create_node("call_module", step.name, tuple(inputs))
        else:
            if step.call.is_attribute:
                attach_layer(module, step.name, make_weight_owner(step.call.weights))
            values[step.name] = emit_call(code, step.call, inputs, step.name)
    code.output([values[name] for name in steps.outputs] if info else values[steps.output])
    module.graph = code
    module.meta.update(name=graph.name, input_shape=graph.input_shape, graph=graph)
    if info:
        attach_feature_info(module, info)
    return module


def make_empty_module(name: str) -> fx.GraphModule:
    """Return a module without layers and code; they are put in, because a GraphModule made of a finished module copies it path by path."""
    code = fx.Graph()
    code.output(code.placeholder("input"))
    return fx.GraphModule(nn.Module(), code, class_name="".join(c if c.isalnum() else "_" for c in name))


def attach_layer(module: nn.Module, path: str, layer: nn.Module) -> None:
    """Put a layer at its dotted path, making the containers on the way."""
    *around, name = path.split(".")
    for part in around:
        inner = module._modules.get(part)
        if inner is None:
            inner = module._modules[part] = nn.Module()
        module = inner
    module._modules[name] = layer


def emit_call(code: fx.Graph, call: Call, inputs: list[fx.Node], owner: str) -> fx.Node:
    """Return one function call, inner calls first; its weights are attributes of the module at `owner`."""
    if call.folded is not None:
        function, value = resolve_target(call.folded), inputs[0]
        for other in inputs[1:]:
            value = code.call_function(function, (value, other))
        return value

    def argument(value: object) -> Any:
        if value is INPUTS:
            return list(inputs)
        if isinstance(value, In):
            return inputs[value.index]
        if isinstance(value, Weight):
            return code.get_attr(f"{owner}.{value.name}")
        return emit_call(code, value, inputs, owner) if isinstance(value, Call) else value

    args = tuple(argument(a) for a in call.args)
    return code.call_function(resolve_target(call.target), args, {key: argument(value) for key, value in call.kwargs.items()})


@cache
def resolve_target(target: str) -> Any:
    """Return the class or function behind a Call's target. Raises BlockspaceError (E-OP) when torch has no such name."""
    path, _, name = target.rpartition(".")
    try:
        return getattr(import_module(path), name)
    except (ImportError, AttributeError, ValueError):
        raise error("E-OP", f"{target} does not exist in this version of torch") from None


def module_input_shape(module: nn.Module) -> tuple[int, ...] | None:
    """Return `(C, H, W)` of the input of a module that `compile` made, else None."""
    shape = _read_meta(module).get("input_shape")
    return shape if isinstance(shape, tuple) else None


def module_graph(module: nn.Module) -> Graph | None:
    """Return the graph of a module that `compile` made, else None."""
    graph = _read_meta(module).get("graph")
    return graph if isinstance(graph, Graph) else None


def _read_meta(module: nn.Module) -> dict[str, Any]:
    meta = getattr(module, "meta", None)
    return meta if isinstance(meta, dict) and isinstance(module, fx.GraphModule) else {}
