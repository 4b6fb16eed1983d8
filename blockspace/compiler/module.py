"""Graph -> torch.fx.GraphModule, built node by node; nothing is traced."""

from __future__ import annotations

from functools import cache
from importlib import import_module

import torch
from torch import fx, nn

from blockspace.compiler.features import Indices, attach, feature_info
from blockspace.compiler.init import generator_for, holding, make, policy
from blockspace.errors import error
from blockspace.graph import Graph, plan
from blockspace.ops import INPUTS, Call, In, Weight


def built(
    graph: Graph, seed: int | None = None, init: str = "default", features_only: bool = False, out_indices: Indices = None
) -> fx.GraphModule:
    """The module with weights drawn by a policy; of a backbone, as far as its last feature map. Raises as `compile` does."""
    fill, generator, info = policy(init), generator_for(seed), feature_info(graph, features_only, out_indices)
    steps = plan(graph, info.get("node") if info else ())
    module, code = empty(graph.name), fx.Graph()
    values = {"input": code.placeholder("input")}
    for step in steps.steps:
        inputs = [values[name] for name in step.inputs]
        if step.call.is_layer:
            place(module, step.name, make(resolve(step.call.target), step.call.args, step.call.kwargs, fill, generator))
            values[step.name] = code.create_node("call_module", step.name, tuple(inputs))
        else:
            if step.call.is_attribute:
                place(module, step.name, holding(step.call.weights))
            values[step.name] = emit(code, step.call, inputs, step.name)
    code.output([values[name] for name in steps.outputs] if info else values[steps.output])
    module.graph = code
    module.meta.update(name=graph.name, input_shape=graph.input_shape, graph=graph)
    if info:
        attach(module, info)
    return module


def empty(name: str) -> fx.GraphModule:
    """A module without layers and code; they are put in, because a GraphModule made of a finished module copies it path by path."""
    code = fx.Graph()
    code.output(code.placeholder("input"))
    return fx.GraphModule(nn.Module(), code, class_name="".join(c if c.isalnum() else "_" for c in name))


def place(module: nn.Module, path: str, layer: nn.Module) -> None:
    """Put a layer at its dotted path, making the containers on the way."""
    *around, name = path.split(".")
    for part in around:
        inner = module._modules.get(part)
        if inner is None:
            inner = module._modules[part] = nn.Module()
        module = inner
    module._modules[name] = layer


def emit(code: fx.Graph, call: Call, inputs: list[fx.Node], owner: str) -> fx.Node:
    """One function call, inner calls first; its weights are attributes of the module at `owner`."""

    def argument(value):
        if value is INPUTS:
            return list(inputs)
        if isinstance(value, In):
            return inputs[value.index]
        if isinstance(value, Weight):
            return code.get_attr(f"{owner}.{value.name}")
        return emit(code, value, inputs, owner) if isinstance(value, Call) else value

    args = tuple(argument(a) for a in call.args)
    return code.call_function(resolve(call.target), args, {key: argument(value) for key, value in call.kwargs.items()})


@cache
def resolve(target: str):
    """The class or function behind a Call's target. Raises BlockspaceError (E-OP) when torch has no such name."""
    path, _, name = target.rpartition(".")
    try:
        return getattr(import_module(path), name)
    except (ImportError, AttributeError, ValueError):
        raise error("E-OP", f"{target} does not exist in this version of torch") from None


def input_shape(module: nn.Module) -> tuple[int, ...] | None:
    """`(C, H, W)` of a module that `compile` made, else None."""
    return noted(module, "input_shape")


def graph_of(module: nn.Module) -> Graph | None:
    """The graph of a module that `compile` made, else None."""
    return noted(module, "graph")


def noted(module: nn.Module, what: str):
    """What `compile` wrote into the module's meta, else None."""
    meta = getattr(module, "meta", None)
    return meta.get(what) if isinstance(meta, dict) and isinstance(module, torch.fx.GraphModule) else None
