"""Agreement: both sides of a rewriting as modules with mapped weights, in float64, and what differs.

`canonical` rules must give equal outputs, equal gradients of the input and (through the map) of every weight, and equal statistics after
the step, in train and in eval mode; `deploy` rules equal outputs in eval mode. Weights, statistics and images are random.
"""

from __future__ import annotations

import torch
from torch import nn

from blockspace.compiler.compile import compile
from blockspace.compiler.weights.convert import apply_weight_map
from blockspace.graph import Graph
from blockspace.passes import Rewriting, WeightMap

BATCH = 3
TOLERANCE = 1e-8  # of the largest number compared; float64 leaves 1e-12


def find_difference(found: Rewriting, pipeline: str = "canonical", weights: WeightMap | None = None, seed: int = 0) -> str:
    """Return what differs between the two sides of a rewriting, or "". `weights` is used in place of its own map."""
    for training in (False, True) if pipeline == "canonical" else (False,):
        difference = compare_mode(found, weights or found.weights, training, pipeline == "canonical", seed)
        if difference:
            return f"{'train' if training else 'eval'} mode: {difference}"
    return ""


def compare_mode(found: Rewriting, weights: WeightMap, training: bool, gradients: bool, seed: int) -> str:
    """Return the first difference in one mode: of the outputs, then of the gradients, then of the statistics."""
    generator = torch.Generator().manual_seed(seed)
    old, new = (compile(live_subgraph(graph, graph.output), seed=seed).double() for graph in (found.before, found.after))
    randomize_state(old, generator)
    new.load_state_dict(apply_weight_map(weights, old.state_dict()))
    images = torch.randn(BATCH, *found.before.input_shape, dtype=torch.float64, generator=generator)
    ours, theirs = (train_step(module, images, training) for module in (old, new))
    if difference := describe_difference("the output", ours[0], theirs[0]):
        return difference
    if not gradients:
        return ""
    if difference := describe_difference("the gradient of the input", ours[1], theirs[1]):
        return difference
    mapped = apply_weight_map(weights, collect_gradients(old))
    for name, parameter in new.named_parameters():
        if difference := describe_difference(f"the gradient of {name}", mapped[name], grad_or_zeros(parameter)):
            return difference
    expected = apply_weight_map(weights, old.state_dict())
    for name, tensor in new.state_dict().items():
        if difference := describe_difference(f"{name} after the step", expected[name].double(), tensor.double()):
            return difference
    return ""


def randomize_state(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight and statistic at random, and switch dropout off."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            positive = name.endswith("running_var")
            drawn = torch.rand if positive else torch.randn
            tensor.copy_(drawn(tensor.shape, generator=generator, dtype=tensor.dtype) + (0.5 if positive else 0.0))


def train_step(module: nn.Module, images: torch.Tensor, training: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Run forward and backward under a fixed random loss; return the output and the gradient of the images."""
    x = images.clone().requires_grad_()
    output = module.train(training)(x)
    weight = torch.randn(output.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    if output.requires_grad:
        (output * weight).sum().backward()
    return output.detach(), grad_or_zeros(x)


def grad_or_zeros(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor's gradient; zeros where it has none."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


def collect_gradients(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return gradients by name, zeros for buffers, so that a map can be applied to them."""
    found = {name: torch.zeros_like(tensor) for name, tensor in module.state_dict().items()}
    return found | {name: grad_or_zeros(parameter) for name, parameter in module.named_parameters()}


def describe_difference(what: str, a: torch.Tensor, b: torch.Tensor) -> str:
    """Return how far two tensors are apart, in words; empty when they agree."""
    if a.shape != b.shape:
        return f"{what} has the shape {tuple(b.shape)}, not {tuple(a.shape)}"
    if not a.numel():
        return ""
    largest = max(1.0, a.abs().max().item())
    by = (a - b).abs().max().item()
    return "" if by <= TOLERANCE * largest else f"{what} differs by {by:.3g}, of {largest:.3g} at most"


def live_subgraph(graph: Graph, output: str) -> Graph:
    """Return the nodes on which one of them depends, with it as the output; modules have no others."""
    live = graph.live(output) | {"input"}
    if len(live) == len(graph) and output == graph.output:
        return graph
    made = Graph(graph.input_shape, graph.name)
    for node in graph:
        if node.name in live and node.kind != "input":
            made.add(node.op, *node.inputs, name=node.name)
    made.output = output
    return made
