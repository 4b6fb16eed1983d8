"""Weights from one module into another that holds the same layers under other names, or runs its branches in another order.

Both modules run once on the meta device (no arithmetic). Each layer is described by the shapes of its tensors, by the layers whose values
reach it through functions alone, and by those its own value reaches, all the way up and down; how the functions are written does not count.
Layers with equal descriptions correspond, in execution order among themselves. So a shortcut that one module runs before the main path and
the other after it finds its weights, although both hold a 1x1 convolution of one shape.

Shapes that mean the same are the same: a linear layer over channels is a convolution 1x1, a factor per channel may be (C,) or (C, 1, 1),
and a 1-d convolution is one of height 1. A layer's only tensor may have any name.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import torch
from torch import nn

from blockspace.compiler.module import build_module, module_graph, module_input_shape
from blockspace.compiler.weights.convert import apply_weight_map, convert_weights
from blockspace.compiler.weights.layer_trace import TracedLayer, saved_tensors, trace_layers
from blockspace.errors import BlockspaceError, error
from blockspace.formatting import count_noun
from blockspace.graph import Graph
from blockspace.inputs import MODULE, ArgumentKind, check_arguments, optional
from blockspace.passes import rewriting_of

BATCH = 2
TENSOR = ArgumentKind("a tensor of shape (N, C, H, W)", lambda value: isinstance(value, torch.Tensor) and value.ndim > 1)


@check_arguments(src=MODULE, dst=MODULE, example=optional(TENSOR))
def transplant(src: nn.Module, dst: nn.Module, example: torch.Tensor | None = None) -> nn.Module:
    """Copy parameters and buffers of `src` into the corresponding layers of `dst`, in place, and return `dst`.

    Two modules that `compile` made may be different forms of one network: its weight map is applied. A `dst` of a rewritten graph also
    takes the layers of the form it was written in. A `dst` in the form for deployment takes any form's, batch norms folded in; that is a
    one-way street.

    `example` is an input `(N, C, H, W)`, of which only the shape counts; by default the input of whichever module `compile` made. Layers
    of `src` that do not run in eval mode (auxiliary heads) are left out. Raises BlockspaceError (E-WEIGHTS) naming the first layer that
    differs, when there is no example, or when a layer of `dst` would keep its old weights; `dst` is then unchanged.
    """
    source, target = module_graph(src), module_graph(dst)
    trained = target.written if target is not None and target.form == "deploy" else None  # the form that `dst` is made of
    if source is not None and target is not None and not (trained is not None and source.key() == trained.key()):
        if source.key() == target.key():
            return load_tensors(dst, convert_weights(src.state_dict(), source, target))
    if trained is not None:
        return load_tensors(dst, fold_weights(transplant(src, build_module(trained), example), trained))
    try:
        return copy_layers(src, dst, example)
    except BlockspaceError:
        if target is None or target.written is None:
            raise
    written = copy_layers(src, build_module(target.written).to(next(dst.parameters())), example)
    return load_tensors(dst, convert_weights(written.state_dict(), target.written, target))


def fold_weights(module: nn.Module, before: Graph) -> dict[str, torch.Tensor]:
    """Return the tensors for deployment, made of a module of the graph before; in 64 bits, so that folding costs no digits."""
    state = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in module.state_dict().items()}
    return apply_weight_map(rewriting_of(before, "deploy").weights, state)


def load_tensors(module: nn.Module, state: dict[str, torch.Tensor]) -> nn.Module:
    """Return the module with these tensors; others keep their numbers."""
    own = module.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            own[name].copy_(tensor)
    return module


def copy_layers(src: nn.Module, dst: nn.Module, example: torch.Tensor | None) -> nn.Module:
    """Return the layers of `src` in `dst`, matched one by one."""
    shape = tuple(example.shape) if example is not None else resolve_example_shape(src, dst)
    pairs = match_layers(trace_layers(src, shape), trace_layers(dst, shape))
    reached = {name for _, into in pairs for name in (*into.tensors, *into.unread)}
    for name in saved_tensors(dst):
        if name not in reached:
            raise error("E-WEIGHTS", f"{name} of the destination is not read, so nothing corresponds to it")
    with torch.no_grad():
        for source, into in pairs:
            for tensor, found in pair_tensors(source, into):
                tensor.copy_(found.reshape(tensor.shape))
    return dst


def resolve_example_shape(src: nn.Module, dst: nn.Module) -> tuple[int, ...]:
    """Return the shape of an input that both modules take. Raises BlockspaceError (E-WEIGHTS) when it is not known."""
    found = module_input_shape(dst) or module_input_shape(src)
    if found is None:
        raise error("E-WEIGHTS", "neither module says what input it takes", help="give transplant an example=torch.zeros(2, C, H, W)")
    return (BATCH, *found)


def pair_tensors(source: TracedLayer, into: TracedLayer) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield each tensor to write with the one to read; of unread ones (a count of batches) those that both layers have."""
    if len(into.tensors) == 1:
        yield next(iter(into.tensors.values())), next(iter(source.tensors.values()))
    else:
        theirs = source.keys()
        yield from ((tensor, theirs[key]) for key, tensor in into.keys().items())
    rest = {name.rpartition(".")[2]: tensor for name, tensor in source.unread.items()}
    for name, tensor in into.unread.items():
        found = rest.get(name.rpartition(".")[2])
        if found is not None and found.shape == tensor.shape:
            yield tensor, found


# -- which corresponds to which --------------------------------------------------------------------------------------------------------


def layer_form(layer: TracedLayer) -> str:
    """Return the shapes of a layer's tensors, written so that shapes which mean the same are equal."""
    shapes = {key: "x".join(map(str, standard_shape(tuple(tensor.shape)))) for key, tensor in layer.keys().items()}
    return ", ".join(f"{key} {shape}" for key, shape in sorted(shapes.items())) if len(shapes) > 1 else "".join(shapes.values())


def standard_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return (o, i, 1, 1) as (o, i), (C, 1, 1) as (C,), and the (o, i, k) of a 1-d convolution as (o, i, 1, k)."""
    core = shape
    while core and core[-1] == 1:
        core = core[:-1]
    if len(core) <= 2:
        return core
    return (*shape[:2], 1, shape[2]) if len(shape) == 3 else shape


def match_layers(source: list[TracedLayer], into: list[TracedLayer]) -> list[tuple[TracedLayer, TracedLayer]]:
    """Return pairs of corresponding layers. Raises BlockspaceError (E-WEIGHTS) naming the first that has none."""
    theirs, ours = describe_layers(source), describe_layers(into)
    if sorted(theirs) != sorted(ours):
        return match_in_order(source, into)
    waiting: dict[str, list[TracedLayer]] = {}
    for text, layer in zip(theirs, source):
        waiting.setdefault(text, []).append(layer)
    return [(waiting[text].pop(0), layer) for text, layer in zip(ours, into)]


def match_in_order(source: list[TracedLayer], into: list[TracedLayer]) -> list[tuple[TracedLayer, TracedLayer]]:
    """Return pairs by execution order alone, for modules whose functions between the layers differ; every shape must agree."""
    for a, b in zip(source, into):
        if layer_form(a) != layer_form(b):
            text = f"layers differ from {b.name} on: it holds {b.shapes}; the source has {a.name} there with {a.shapes}"
            raise error("E-WEIGHTS", text, help="both modules must have the same layers")
    if len(source) != len(into):
        longer, what = (source, "source") if len(source) > len(into) else (into, "destination")
        text = f"the source runs {count_noun(len(source), 'layer')} with weights, the destination {len(into)}"
        raise error("E-WEIGHTS", f"{text}; the first without a partner is {longer[min(len(source), len(into))].name} of the {what}")
    return list(zip(source, into))


def describe_layers(layers: list[TracedLayer]) -> list[str]:
    """Return for each layer a hash of its form, of everything before it, then of everything after it."""
    down: dict[TracedLayer, str] = {}
    for layer in layers:
        down[layer] = hash_parts(layer_form(layer), sorted(down[other] for other in layer.before))
    up: dict[TracedLayer, str] = {}
    for layer in reversed(layers):
        up[layer] = hash_parts(down[layer], sorted(up.get(other, "again") for other in layer.after))
    return [up[layer] for layer in layers]


def hash_parts(text: str, others: list[str]) -> str:
    """Return a hash of a text and of others in order."""
    return blake2b("|".join([text, *others]).encode(), digest_size=12).hexdigest()
