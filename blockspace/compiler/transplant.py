"""Weights from one module into another that holds the same layers under other names, or runs its branches in another order.

Both modules run once on the meta device (no arithmetic). Each layer with state is described by the shapes of its tensors, by the layers
whose values reach it through functions alone, and by those its own value reaches, all the way up and down; how the functions are written
does not count. Layers with equal descriptions correspond, in execution order among themselves. So a shortcut that one module runs before
the main path and the other after it finds its weights, although both hold a 1x1 convolution of one shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from blockspace.compiler.module import input_shape
from blockspace.errors import error

BATCH = 2


@dataclass(eq=False)
class Layer:
    """A layer with state, as met when running: its tensors by name, the layers before it and after it."""

    name: str
    tensors: dict[str, torch.Tensor]
    before: list[Layer] = field(default_factory=list)
    after: list[Layer] = field(default_factory=list)

    @property
    def shapes(self) -> str:
        """weight 64x3x7x7, running_mean 64"""
        return ", ".join(f"{key} {'x'.join(map(str, t.shape)) or 'scalar'}" for key, t in self.tensors.items())


def transplant(src: nn.Module, dst: nn.Module, example: torch.Tensor | None = None) -> nn.Module:
    """Copy parameters and buffers of `src` into the corresponding layers of `dst`, in place, and return `dst`.

    `example` is an input `(N, C, H, W)`, of which only the shape counts; by default the input of whichever module `compile` made. Layers
    of `src` that do not run in eval mode (auxiliary heads) are left out. Raises BlockspaceError (E-WEIGHTS) naming the first layer that
    differs, when there is no example, or when a layer of `dst` would keep its old weights; `dst` is then unchanged.
    """
    shape = tuple(example.shape) if example is not None else example_shape(src, dst)
    pairs = matched(layers(src, shape), layers(dst, shape))
    missed = {name for name, _ in stateful(dst)} - {into.name for _, into in pairs}
    if missed:
        raise error("E-WEIGHTS", f"{sorted(missed)[0]} of the destination does not run, so nothing corresponds to it")
    with torch.no_grad():
        for source, into in pairs:
            for key, tensor in into.tensors.items():
                tensor.copy_(source.tensors[key])
    return dst


def example_shape(src: nn.Module, dst: nn.Module) -> tuple[int, ...]:
    found = input_shape(dst) or input_shape(src)
    if found is None:
        raise error("E-WEIGHTS", "neither module says what input it takes", help="give transplant an example=torch.zeros(2, C, H, W)")
    return (BATCH, *found)


def stateful(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The submodules that own parameters or saved buffers, each once."""
    for name, part in module.named_modules():
        if own(part):
            yield name, part


def own(module: nn.Module) -> dict[str, torch.Tensor]:
    """The tensors a module owns itself and saves."""
    found = {**module._parameters, **module._buffers}
    return {key: t for key, t in found.items() if t is not None and key not in module._non_persistent_buffers_set}


# -- what runs when --------------------------------------------------------------------------------------------------------------------


class Sources(TorchFunctionMode):
    """While active, every tensor knows which layers reach it through functions alone: `tensor.sources`, a dict used as an ordered set."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        mark(result, sources((args, kwargs)))
        return result


def sources(values) -> dict[Layer, None]:
    """The layers that reach any tensor in a structure of values."""
    return {layer: None for v in pytree.tree_leaves(values) if isinstance(v, torch.Tensor) for layer in getattr(v, "sources", ())}


def mark(values, found: dict[Layer, None]) -> None:
    for value in pytree.tree_leaves(values):
        if isinstance(value, torch.Tensor):
            setattr(value, "sources", found)  # noqa: B010 (a name torch's stubs do not know)


def layers(module: nn.Module, shape: tuple[int, ...]) -> list[Layer]:
    """The layers with state that run on an input of this shape, in execution order. Raises BlockspaceError (E-WEIGHTS)."""
    found: dict[nn.Module, Layer] = {}
    read: dict[nn.Module, dict[Layer, None]] = {}

    def enter(part: nn.Module, args, kwargs) -> None:
        read[part] = sources((args, kwargs))

    def leave(part: nn.Module, args, kwargs, output) -> None:
        if part not in found:
            name, tensors = owners[part]
            found[part] = Layer(name, tensors, list(read[part]))
            for layer in read[part]:
                layer.after.append(found[part])
        mark(output, {found[part]: None})

    owners = {part: (name, own(part)) for name, part in stateful(module)}  # before the run, which has other tensors in their place
    handles = [part.register_forward_pre_hook(enter, with_kwargs=True) for part in owners]
    handles += [part.register_forward_hook(leave, with_kwargs=True) for part in owners]
    try:
        dry_run(module, shape)
    finally:
        for handle in handles:
            handle.remove()
    return list(found.values())


def dry_run(module: nn.Module, shape: tuple[int, ...]) -> None:
    """Run the module in eval mode on the meta device, its own tensors untouched."""
    ghosts = {key: torch.empty_like(t, device="meta") for key, t in (*module.named_parameters(), *module.named_buffers())}
    dtype = next((t.dtype for t in ghosts.values() if t.is_floating_point()), torch.get_default_dtype())
    try:
        with evaluating(module), torch.no_grad(), Sources():
            torch.func.functional_call(module, ghosts, (torch.empty(shape, dtype=dtype, device="meta"),))
    except (RuntimeError, TypeError, ValueError) as reason:
        text = f"{type(module).__name__} does not run on an input of {'x'.join(map(str, shape))}: {reason}"
        raise error("E-WEIGHTS", text, help="give transplant an example= of the shape that both modules take") from reason


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Eval mode inside, every part's own mode restored after."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


# -- which corresponds to which --------------------------------------------------------------------------------------------------------


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
        if a.shapes != b.shapes:
            text = f"layers differ from {b.name} on: it holds {b.shapes}; the source has {a.name} there with {a.shapes}"
            raise error("E-WEIGHTS", text, help="both modules must hold the same layers")
    if len(source) != len(into):
        longer, what = (source, "source") if len(source) > len(into) else (into, "destination")
        text = f"the source runs {len(source)} layers with weights, the destination {len(into)}"
        raise error("E-WEIGHTS", f"{text}; the first without a partner is {longer[min(len(source), len(into))].name} of the {what}")
    return list(zip(source, into))


def described(layers: list[Layer]) -> list[str]:
    """For each layer a hash of its shapes, of everything before it, then of everything after it."""
    down: dict[Layer, str] = {}
    for layer in layers:
        down[layer] = digest(layer.shapes, sorted(down[other] for other in layer.before))
    up: dict[Layer, str] = {}
    for layer in reversed(layers):
        up[layer] = digest(down[layer], sorted(up.get(other, "again") for other in layer.after))
    return [up[layer] for layer in layers]


def digest(text: str, others: list[str]) -> str:
    return blake2b("|".join([text, *others]).encode(), digest_size=12).hexdigest()
