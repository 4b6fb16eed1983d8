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

from blockspace.compiler.module import built, graph_of, input_shape
from blockspace.compiler.weights.maps import applied, converted
from blockspace.compiler.weights.running import Layer, layers, saved
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.passes import rewriting_of

BATCH = 2


def transplant(src: nn.Module, dst: nn.Module, example: torch.Tensor | None = None) -> nn.Module:
    """Copy parameters and buffers of `src` into the corresponding layers of `dst`, in place, and return `dst`.

    Two modules that `compile` made may be different forms of one network: its weight map is applied. A `dst` of a rewritten graph also
    takes the layers of the form it was written in. A `dst` in the form for deployment takes any form's, batch norms folded in; that is a
    one-way street.

    `example` is an input `(N, C, H, W)`, of which only the shape counts; by default the input of whichever module `compile` made. Layers
    of `src` that do not run in eval mode (auxiliary heads) are left out. Raises BlockspaceError (E-WEIGHTS) naming the first layer that
    differs, when there is no example, or when a layer of `dst` would keep its old weights; `dst` is then unchanged.
    """
    source, target = graph_of(src), graph_of(dst)
    trained = target.written if target is not None and target.form == "deploy" else None  # the form that `dst` is made of
    if source is not None and target is not None and not (trained is not None and source.key() == trained.key()):
        if source.key() == target.key():
            return loaded(dst, converted(src.state_dict(), source, target))
    if trained is not None:
        return loaded(dst, deployed(transplant(src, built(trained), example), trained))
    try:
        return copied(src, dst, example)
    except BlockspaceError:
        if target is None or target.written is None:
            raise
    written = copied(src, built(target.written).to(next(dst.parameters())), example)
    return loaded(dst, converted(written.state_dict(), target.written, target))


def deployed(module: nn.Module, before: Graph) -> dict[str, torch.Tensor]:
    """The tensors for deployment, made of a module of the graph before; in 64 bits, so that folding costs no digits."""
    state = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in module.state_dict().items()}
    return applied(rewriting_of(before, "deploy").weights, state)


def loaded(module: nn.Module, state: dict[str, torch.Tensor]) -> nn.Module:
    """The module with these tensors; others keep their numbers."""
    own = module.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            own[name].copy_(tensor)
    return module


def copied(src: nn.Module, dst: nn.Module, example: torch.Tensor | None) -> nn.Module:
    """The layers of `src` in `dst`, matched one by one."""
    shape = tuple(example.shape) if example is not None else example_shape(src, dst)
    pairs = matched(layers(src, shape), layers(dst, shape))
    reached = {name for _, into in pairs for name in (*into.tensors, *into.unread)}
    for name in saved(dst):
        if name not in reached:
            raise error("E-WEIGHTS", f"{name} of the destination is not read, so nothing corresponds to it")
    with torch.no_grad():
        for source, into in pairs:
            for tensor, found in copies(source, into):
                tensor.copy_(found.reshape(tensor.shape))
    return dst


def example_shape(src: nn.Module, dst: nn.Module) -> tuple[int, ...]:
    found = input_shape(dst) or input_shape(src)
    if found is None:
        raise error("E-WEIGHTS", "neither module says what input it takes", help="give transplant an example=torch.zeros(2, C, H, W)")
    return (BATCH, *found)


def copies(source: Layer, into: Layer) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Each tensor to write with the one to read; of those that nothing reads (a count of batches) what both layers have."""
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


def form(layer: Layer) -> str:
    """The shapes of a layer's tensors, written so that shapes which mean the same are equal."""
    shapes = {key: "x".join(map(str, standard(tuple(tensor.shape)))) for key, tensor in layer.keys().items()}
    return ", ".join(f"{key} {shape}" for key, shape in sorted(shapes.items())) if len(shapes) > 1 else "".join(shapes.values())


def standard(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(o, i, 1, 1) as (o, i), (C, 1, 1) as (C,), and the (o, i, k) of a 1-d convolution as (o, i, 1, k)."""
    core = shape
    while core and core[-1] == 1:
        core = core[:-1]
    if len(core) <= 2:
        return core
    return (*shape[:2], 1, shape[2]) if len(shape) == 3 else shape


def matched(source: list[Layer], into: list[Layer]) -> list[tuple[Layer, Layer]]:
    """Pairs of corresponding layers. Raises BlockspaceError (E-WEIGHTS) naming the first that has none."""
    theirs, ours = described(source), described(into)
    if sorted(theirs) != sorted(ours):
        return in_order(source, into)
    waiting: dict[str, list[Layer]] = {}
    for text, layer in zip(theirs, source):
        waiting.setdefault(text, []).append(layer)
    return [(waiting[text].pop(0), layer) for text, layer in zip(ours, into)]


def in_order(source: list[Layer], into: list[Layer]) -> list[tuple[Layer, Layer]]:
    """Pairs by execution order alone, for modules whose functions between the layers differ; every shape must agree."""
    for a, b in zip(source, into):
        if form(a) != form(b):
            text = f"layers differ from {b.name} on: it holds {b.shapes}; the source has {a.name} there with {a.shapes}"
            raise error("E-WEIGHTS", text, help="both modules must hold the same layers")
    if len(source) != len(into):
        longer, what = (source, "source") if len(source) > len(into) else (into, "destination")
        text = f"the source runs {len(source)} layers with weights, the destination {len(into)}"
        raise error("E-WEIGHTS", f"{text}; the first without a partner is {longer[min(len(source), len(into))].name} of the {what}")
    return list(zip(source, into))


def described(layers: list[Layer]) -> list[str]:
    """For each layer a hash of its form, of everything before it, then of everything after it."""
    down: dict[Layer, str] = {}
    for layer in layers:
        down[layer] = digest(form(layer), sorted(down[other] for other in layer.before))
    up: dict[Layer, str] = {}
    for layer in reversed(layers):
        up[layer] = digest(down[layer], sorted(up.get(other, "again") for other in layer.after))
    return [up[layer] for layer in layers]


def digest(text: str, others: list[str]) -> str:
    return blake2b("|".join([text, *others]).encode(), digest_size=12).hexdigest()
