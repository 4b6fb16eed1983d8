"""Compare two modules on an example input, one of them with the weights that the other's layers hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils import _pytree as pytree

from blockspace.compiler.weights.layer_match import LayerMatch
from blockspace.compiler.weights.layer_trace import ModuleTrace, TracedLayer, measure_layers, saved_tensors

EXACT, CLOSE = 1e-9, 1e-3  # relative differences: of the same arithmetic, and of one with another epsilon


@dataclass(frozen=True)
class ExampleDifference:
    """How far apart two modules are.

    `output` is the largest difference of their outputs, relative to the largest number; `distance` the root of the mean square of all
    differences; `pair` the first pair of layers whose values differ.
    """

    output: float
    distance: float
    pair: tuple[TracedLayer, TracedLayer] | None

    @property
    def agrees(self) -> bool:
        """Return whether both compute the same."""
        return self.output <= EXACT or self.output <= CLOSE and self.pair is None

    def text(self, match: LayerMatch) -> str:
        """Return what differs, with the pair of layers by name."""
        source, into = self.pair or match.pairs[match.choices[0].place if match.choices else 0]
        why = "whose values are others" if self.pair else f"one of several with {into.shapes}"
        by = f"by {self.output:.2g} of the largest output"
        return f"the modules differ on the example input, {by}: {into.name} of the destination got the weights of {source.name}, {why}"


def run_example(module: nn.Module, image: torch.Tensor, state: Mapping[str, torch.Tensor]) -> ModuleTrace | None:
    """Return the trace of the module on an image with these tensors: in 64 bits, else in its own; None where it runs in neither."""
    tensors = saved_tensors(module).values()
    own = next((tensor for tensor in tensors if tensor.is_floating_point()), image)
    for dtype in dict.fromkeys((torch.float64, own.dtype)):
        try:
            return measure_layers(module, image.to(own.device, dtype), state, dtype)
        except (RuntimeError, TypeError, ValueError):
            continue
    return None


def compare_runs(match: LayerMatch, expected: ModuleTrace, got: ModuleTrace | None) -> ExampleDifference:
    """Return how far apart two runs are; outputs of another form, which cannot be compared, count as equal."""
    if got is None:
        return ExampleDifference(0.0, 0.0, None)
    theirs, ours = measures_by_layer(expected), measures_by_layer(got)
    pairs = (pair for pair in match.pairs if not alike(theirs.get(min(pair[0].tensors)), ours.get(min(pair[1].tensors))))
    return ExampleDifference(*compare_outputs(expected.output, got.output), next(pairs, None))


def measures_by_layer(trace: ModuleTrace) -> dict[str, tuple[float, ...]]:
    """Return the measures of each layer's last result, by the first of its tensors' names."""
    return {min(call.layer.tensors): call.measures for call in trace.calls if call.layer is not None and call.measures}


def alike(a: tuple[float, ...] | None, b: tuple[float, ...] | None) -> bool:
    """Return whether measures of two values agree; missing ones say nothing."""
    if not a or not b:
        return True
    return all(abs(x - y) <= CLOSE * max(abs(a[-1]), abs(b[-1]), 1e-300) for x, y in zip(a, b))


def compare_outputs(a: object, b: object) -> tuple[float, float]:
    """Return the largest difference of two outputs, relative to the largest number, and the root of the mean square of all differences.

    Outputs whose shapes differ cannot be compared, and count as equal.
    """
    pairs = zip(*([v for v in pytree.tree_leaves(side) if isinstance(v, torch.Tensor)] for side in (a, b)))
    largest, squares = 0.0, 0.0
    for x, y in pairs:
        if x.shape == y.shape and x.numel():
            x, y = x.detach().cpu().double(), y.detach().cpu().double()
            difference = (x - y).abs().nan_to_num(float("inf"))
            largest = max(largest, difference.max().item() / max(x.abs().max().item(), 1e-300))
            squares += difference.square().mean().item()
    return largest, squares**0.5
