"""The judges of the library's networks: the published model behind `reference:`, and how far our network is from it.

A network whose reference is `paper` is judged by a re-implementation written from the paper with torch alone: `references/FAMILY.py` with

    NETWORKS = {"mobilenet_v1": lambda: MobileNetV1(1.0), ...}      # our name: its constructor, without arguments

Everything is in float64 and eval mode, on random weights and disturbed norms. No weights are downloaded.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import signature
from math import sqrt
from pathlib import Path

import torch
from golden.rows import conv_acts, network_row, shapes_hash
from torch import nn

from blockspace import load
from blockspace.blocks import Network, list_families, list_names, parse_reference
from blockspace.compiler import compile, transplant
from blockspace.costs import cost
from library.sizes import params

torch.set_num_threads(1)  # tests run side by side

LARGEST = 200_000_000  # params of what is run at all; larger ones are counted only
TOLERANCE = 1e-10
USUAL = 15_000_000  # params of what the default suite runs of each family: the member it is named after
SMALL = 1_500_000  # params of what it runs of the other members
# The outputs of every block are judged in compiler/test_published_blocks.py, the figures and shapes of every network in test_counts.py.
WITHOUT_HEADS = {"aux_logits": False, "init_weights": False}  # of torchvision's inceptions, where the constructor takes them


@cache
def papers() -> dict:
    """Constructors of the re-implementations, by our name."""
    found: dict = {}
    for path in sorted((Path(__file__).parent / "references").glob("*.py")):
        own = getattr(import_module(f"library.references.{path.stem}"), "NETWORKS", {})
        assert not found.keys() & own.keys(), f"{path.name}: {sorted(found.keys() & own.keys())} are written twice"
        found |= own
    return found


def networks(library: str) -> list[str]:
    """The library networks whose reference is of `torchvision`, `timm` or `paper`."""
    return [name for name in list_names("network") if source(load(name)) == library and params(name) <= LARGEST]


def usual(name: str) -> bool:
    """Whether the default suite runs it."""
    return params(name) <= (USUAL if name in list_families() else SMALL)


def source(network: Network) -> str:
    """`torchvision`, `timm` or `paper`."""
    return network.reference.partition(":")[0]


def peer(network: Network) -> nn.Module:
    """The published model, on the device and in the type that hold where it is called."""
    found = parse_reference(network.reference)
    if found is None:
        return papers()[network.name]()
    if found.library == "timm":
        import timm

        return timm.create_model(found.name, **found.settings)
    import torchvision

    taken = signature(torchvision.models.get_model_builder(found.name)).parameters
    extra = WITHOUT_HEADS if {"googlenet", "inception_v3"} & {found.name} and "kwargs" in taken else {}
    return torchvision.models.get_model(found.name, **extra | found.settings)


def filled(make) -> nn.Module:
    """The module that `make` gives, in float64 and eval mode, with weights from one seed; made on the meta device where it allows that."""
    generator = torch.Generator().manual_seed(0)
    try:
        with torch.device("meta"):
            module = make()
        module = None if unsaved_buffers(module) else module.double().to_empty(device="cpu")
    except (RuntimeError, NotImplementedError):  # a constructor that computes with its own values
        module = None
    module = make().double() if module is None else module
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            fill(name, tensor, generator)
    return module.eval()


def unsaved_buffers(module: nn.Module) -> bool:
    """Whether the module holds constants that its state does not."""
    return bool({name for name, _ in module.named_buffers()} - module.state_dict().keys())


def fill(name: str, tensor: torch.Tensor, generator: torch.Generator) -> None:
    """Weights that keep the values' size; norms that differ per channel, so that a swapped pair of layers or channels shows."""
    if not tensor.is_floating_point():
        tensor.zero_()
    elif name.endswith("running_mean"):
        tensor.normal_(0, 0.1, generator=generator)
    elif tensor.ndim > 1 and tensor[0].numel() > 1:
        tensor.copy_(torch.empty(tensor.shape).normal_(0, sqrt(1 / tensor[0].numel()), generator=generator))
    else:
        tensor.uniform_(0.5, 1.5, generator=generator)


def images(network: Network) -> torch.Tensor:
    """One small image, not square: the smallest that the network's pools leave something of."""
    channels, height, _ = network.input_shape
    side = 16 if height <= 64 else 96 if height >= 299 else 64
    return torch.randn(1, channels, side, side + 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def figures(name: str) -> tuple[dict, dict]:
    """Our figures of a library network, and the published ones: its golden row, else params and macs counted beside its reference."""
    network, row = load(name), network_row(name)
    graph = network.graph()
    found = cost(graph)
    ours = {"params": found.params, "macs": found.macs}
    if row is None:
        return ours, dict(zip(("params", "macs"), counted(name)))
    linear = row.get("linear", False)
    ours |= {"conv_acts": conv_acts(graph, linear), "param_shapes": shapes_hash(graph, linear)}
    ours |= {"input": list(network.input_shape), "output": list(graph.output_shape)}
    return ours, {key: value for key, value in row.items() if key in ours}


def difference(name: str) -> float:
    """How far the library network `name` is from its reference."""
    return distance(load(name))


def distance(network: Network) -> float:
    """The largest difference between our outputs and those of the reference whose weights we took, over the reference's largest output."""
    theirs = filled(lambda: peer(network))
    with torch.device("meta"):
        ours = compile(network.graph())
    ours = transplant(theirs, ours.double().to_empty(device="cpu").eval())
    x = images(network)
    with torch.inference_mode():
        expected, got = theirs(x), ours(x)
    assert got.shape == expected.shape and expected.abs().max() > 0
    return float((got - expected).abs().max() / expected.abs().max())


def counted(name: str) -> tuple[int, int]:
    """(params, macs) of the reference, counted by torch on the meta device at the network's own input."""
    from torch.utils.flop_counter import FlopCounterMode

    network = load(name)
    with torch.device("meta"):
        model = peer(network).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, *network.input_shape, device="meta"))
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2
