"""Trace the layers of any module in execution order, found by running it once on the meta device.

A layer is a torch function that reads parameters or saved buffers of the module beside a value that comes from the input: `F.conv2d` inside
a Conv2d, and just as well the product with a scale that a block holds itself. A weight may pass through functions of its own on the way (a
view, a permutation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from blockspace.errors import error


@dataclass(eq=False, repr=False)
class TracedCall:
    """A call of a torch function on values that come from the input.

    `text` is its name and settings; `inputs` the calls whose results it reads, by slot; `layer` the layer that it is of, if it reads
    weights; `measures` of its result, where that was computed: mean, root of the mean square and largest amount.
    """

    text: str
    inputs: list[TracedCall]
    layer: TracedLayer | None = None
    measures: tuple[float, ...] | None = None


@dataclass(eq=False, repr=False)
class ModuleTrace:
    """The layers of a module in execution order, all its calls, and what it returned."""

    layers: list[TracedLayer]
    calls: list[TracedCall]
    output: Any = None


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


SAME_CALLS = {"iadd": "add", "radd": "add", "imul": "mul", "rmul": "mul"}  # names of operators in place and from the right


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


def trace_layers(module: nn.Module, shape: tuple[int, ...]) -> ModuleTrace:
    """Return the layers that run in eval mode on an input of this shape, and all calls. Raises BlockspaceError (E-WEIGHTS)."""
    tensors = saved_tensors(module)
    run = LayerTrace(tensors)
    output = run_on_meta(module, shape, run)
    first = {owner_name(name): layer for layer in reversed(run.found) for name in layer.tensors}
    read = {name for layer in run.found for name in layer.tensors}
    for name in tensors.keys() - read:
        if not isinstance(tensors[name], nn.Parameter) and owner_name(name) in first:
            first[owner_name(name)].unread[name] = tensors[name]
    places = {name: at for at, name in enumerate(tensors)}
    for layer in run.found:
        layer.tensors = {name: layer.tensors[name] for name in sorted(layer.tensors, key=places.__getitem__)}
    return ModuleTrace(run.found, run.calls, output)


def measure_layers(module: nn.Module, image: torch.Tensor, state: Mapping[str, torch.Tensor], dtype: torch.dtype) -> ModuleTrace:
    """Return the trace of the module in eval mode on an image, its results measured.

    The tensors of `state` take the place of its own, and all that hold fractions are of type `dtype`.
    """
    run = LayerTrace(saved_tensors(module), measuring=True)
    given = {}
    for name, own in (*module.named_parameters(), *module.named_buffers()):
        tensor = state.get(name, own).detach().to(own.device)
        given[name] = tensor.to(dtype, copy=True) if tensor.is_floating_point() else tensor.clone()
    return ModuleTrace(run.found, run.calls, run_module(module, image.clone(), given, run))


class LayerTrace(TorchFunctionMode):
    """While active, every tensor knows where it comes from.

    `tensor.weights` are the names of the weights that it is made of and nothing else; `tensor.sources` the layers that reach it through
    functions alone, a dict used as an ordered set. Whatever has sources, be they none, comes from the input.
    """

    def __init__(self, tensors: dict[str, torch.Tensor], measuring: bool = False):
        super().__init__()
        self.tensors, self.measuring = tensors, measuring
        self.calls: list[TracedCall] = []
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
        if from_input and made:
            self.note_calls(func, (args, kwargs), given, made, next(iter(sources)) if weights else None)
        for tensor in made:
            if from_input:
                vars(tensor)["sources"] = sources
            elif weights:
                vars(tensor)["weights"] = weights
        return result

    def note_calls(
        self, func: Callable[..., Any], arguments: Any, given: list[torch.Tensor], made: list[torch.Tensor], layer: TracedLayer | None
    ) -> None:
        """Note the call of a function, once for each tensor that it made."""
        name = getattr(func, "__name__", str(func)).strip("_")
        settings = [repr(v) for v in pytree.tree_leaves(arguments) if not isinstance(v, (torch.Tensor, bool, type(None)))]
        inputs = [call for v in given if (call := vars(v).get("call")) is not None]
        for index, tensor in enumerate(made):
            call = TracedCall(" ".join([SAME_CALLS.get(name, name), str(index), *settings]), inputs, layer)
            if self.measuring and layer is not None and tensor.is_floating_point():
                call.measures = measure(tensor)
            vars(tensor)["call"] = call
            self.calls.append(call)

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


def measure(tensor: torch.Tensor) -> tuple[float, ...]:
    """Return numbers of a value that do not depend on the order of its elements: mean, root of the mean square, largest amount."""
    values = tensor.double()
    return (values.mean().item(), values.square().mean().sqrt().item(), values.abs().max().item()) if values.numel() else ()


def run_on_meta(module: nn.Module, shape: tuple[int, ...], run: LayerTrace) -> Any:
    """Return what the module makes in eval mode on the meta device, its own tensors untouched. Raises BlockspaceError (E-WEIGHTS)."""
    ghosts = {key: torch.empty_like(t, device="meta") for key, t in (*module.named_parameters(), *module.named_buffers())}
    dtype = next((t.dtype for t in ghosts.values() if t.is_floating_point()), torch.get_default_dtype())
    try:
        return run_module(module, torch.empty(shape, dtype=dtype, device="meta"), ghosts, run)
    except (RuntimeError, TypeError, ValueError) as reason:
        text = f"{type(module).__name__} does not run on an input of {'x'.join(map(str, shape))}: {reason}"
        raise error("E-WEIGHTS", text, help="give transplant an example= of the shape that both modules take") from reason


def run_module(module: nn.Module, image: torch.Tensor, state: dict[str, torch.Tensor], run: LayerTrace) -> Any:
    """Return the module's output in eval mode with `state` in place of its tensors, while `run` listens."""
    for name in run.tensors.keys() & state.keys():
        vars(state[name])["weights"] = {name: None}
    vars(image).update(sources={}, call=TracedCall("input", []))
    with evaluation_mode(module), torch.no_grad(), run:
        return torch.func.functional_call(module, state, (image,))


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
