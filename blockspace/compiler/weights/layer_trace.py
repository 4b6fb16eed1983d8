"""Trace the layers of any module in execution order, found by running it once on the meta device.

A layer is a torch function that reads parameters or saved buffers of the module beside a value that comes from the input: `F.conv2d` inside
a Conv2d, and just as well the product with a scale that a block holds itself. A weight may pass through functions of its own on the way (a
view, a permutation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from blockspace.errors import error


@dataclass(eq=False, repr=False)  # each knows its neighbours: a text of one would hold all, many times
class TracedLayer:
    """A layer as met when running: the tensors it reads and those beside them that nothing reads, by dotted name; the layers around it."""

    tensors: dict[str, torch.Tensor]
    unread: dict[str, torch.Tensor] = field(default_factory=dict)
    before: list[TracedLayer] = field(default_factory=list)
    after: list[TracedLayer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the module that owns the tensors, or the first of them."""
        return owner_name(next(iter(self.tensors)))

    def keys(self) -> dict[str, torch.Tensor]:
        """Return the tensors by their names in the module that owns them (weight, running_mean); where several do, by dotted name."""
        return {key.removeprefix(f"{self.name}."): tensor for key, tensor in self.tensors.items()}

    @property
    def shapes(self) -> str:
        """Return the shapes of its tensors as text: weight 64x3x7x7, bias 64."""
        return ", ".join(f"{key} {'x'.join(map(str, t.shape)) or 'scalar'}" for key, t in self.keys().items())


def owner_name(name: str) -> str:
    """Return the module that owns a tensor: stage1.conv.weight -> stage1.conv."""
    return name.rpartition(".")[0]


def saved_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return the parameters and saved buffers of a module by dotted name, each once."""
    found = {}
    for path, part in module.named_modules():
        for key, tensor in (*part._parameters.items(), *part._buffers.items()):
            if tensor is not None and key not in part._non_persistent_buffers_set:
                found[f"{path}.{key}" if path else key] = tensor
    return found


def trace_layers(module: nn.Module, shape: tuple[int, ...]) -> list[TracedLayer]:
    """Return the layers that run in eval mode on an input of this shape, in execution order. Raises BlockspaceError (E-WEIGHTS)."""
    tensors = saved_tensors(module)
    run = LayerTrace(tensors)
    run_on_meta(module, shape, run)
    first = {owner_name(name): layer for layer in reversed(run.found) for name in layer.tensors}
    read = {name for layer in run.found for name in layer.tensors}
    for name in tensors.keys() - read:
        if not isinstance(tensors[name], nn.Parameter) and owner_name(name) in first:
            first[owner_name(name)].unread[name] = tensors[name]
    for layer in run.found:
        layer.tensors = {name: layer.tensors[name] for name in sorted(layer.tensors, key=list(tensors).index)}
    return run.found


class LayerTrace(TorchFunctionMode):
    """While active, every tensor knows where it comes from.

    `tensor.weights` are the names of the weights that it is made of and nothing else; `tensor.sources` the layers that reach it through
    functions alone, a dict used as an ordered set. Whatever has sources, be they none, comes from the input.
    """

    def __init__(self, tensors: dict[str, torch.Tensor]):
        super().__init__()
        self.tensors = tensors
        self.of: dict[str, TracedLayer] = {}  # which layer a weight belongs to

    @property
    def found(self) -> list[TracedLayer]:
        """Return the layers, in the order in which they first ran."""
        return list(dict.fromkeys(self.of.values()))

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = [v for v in pytree.tree_leaves((args, kwargs)) if isinstance(v, torch.Tensor)]
        sources = {layer: None for v in given for layer in getattr(v, "sources", ())}
        weights = {name: None for v in given for name in getattr(v, "weights", ())}
        from_input = any(hasattr(v, "sources") for v in given)
        result = func(*args, **(kwargs or {}))
        made = [v for v in pytree.tree_leaves(result) if isinstance(v, torch.Tensor)]
        if made and weights and from_input:
            sources = {self.layer(weights, sources): None}
        for tensor in made:
            if from_input:
                vars(tensor)["sources"] = sources
            elif weights:
                vars(tensor)["weights"] = weights
        return result

    def layer(self, weights: dict[str, None], sources: dict[TracedLayer, None]) -> TracedLayer:
        """Return the layer that reads these weights: the one that read some of them before, or a new one."""
        layer = next((self.of[name] for name in weights if name in self.of), None)
        if layer is None:
            layer = TracedLayer({}, before=list(sources))
            for other in sources:
                other.after.append(layer)
        for name in weights:
            if self.of.setdefault(name, layer) is layer:
                layer.tensors[name] = self.tensors[name]
        return layer


def run_on_meta(module: nn.Module, shape: tuple[int, ...], run: LayerTrace) -> None:
    """Run the module in eval mode on the meta device, its own tensors untouched."""
    ghosts = {key: torch.empty_like(t, device="meta") for key, t in (*module.named_parameters(), *module.named_buffers())}
    for name in run.tensors.keys() & ghosts.keys():
        vars(ghosts[name])["weights"] = {name: None}
    dtype = next((t.dtype for t in ghosts.values() if t.is_floating_point()), torch.get_default_dtype())
    image = torch.empty(shape, dtype=dtype, device="meta")
    vars(image)["sources"] = {}
    try:
        with evaluation_mode(module), torch.no_grad(), run:
            torch.func.functional_call(module, ghosts, (image,))
    except (RuntimeError, TypeError, ValueError) as reason:
        text = f"{type(module).__name__} does not run on an input of {'x'.join(map(str, shape))}: {reason}"
        raise error("E-WEIGHTS", text, help="give transplant an example= of the shape that both modules take") from reason


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Switch to eval mode, and restore every submodule's own mode on exit."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode
