"""Initialisation by named policy, once: layers are made without their own draw, then the policy fills them in graph order."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import nn

from blockspace.errors import did_you_mean, error
from blockspace.ops import Weight

Policy = Callable[[nn.Module, "torch.Generator | None"], None]


def default(layer: nn.Module, generator: torch.Generator | None) -> None:
    """torchvision's ResNet: convolutions He normal over fan-out (arXiv:1502.01852) with zero bias, norms 1 and 0, linear as `torch_own`."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    else:
        torch_own(layer, generator)


def torch_own(layer: nn.Module, generator: torch.Generator | None) -> None:
    """What the layers of torch draw by themselves: weight and bias uniform within 1 / sqrt(fan-in), norms 1 and 0."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        bound = 1 / math.sqrt(layer.weight[0].numel())
        for tensor in (layer.weight, layer.bias):
            if tensor is not None:
                nn.init.uniform_(tensor, -bound, bound, generator=generator)
    elif isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm)):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)


POLICIES: dict[str, Policy] = {"default": default, "torch": torch_own}
KNOWN = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.GroupNorm)


def policy(name: str) -> Policy:
    """The policy of this name. Raises BlockspaceError (E-NAME)."""
    if name not in POLICIES:
        raise error("E-NAME", f"unknown init {name!r}", help=did_you_mean(name, POLICIES) or f"known: {', '.join(POLICIES)}")
    return POLICIES[name]


def generator_for(seed: int | None) -> torch.Generator | None:
    """A generator of its own for a seed; None is torch's global one."""
    return None if seed is None else torch.Generator().manual_seed(seed)


def make(cls: type[nn.Module], args: tuple, kwargs: dict, fill: Policy, generator: torch.Generator | None) -> nn.Module:
    """A layer with the policy's weights. Classes no policy knows keep their own draw, under a seed taken from `generator`."""
    if issubclass(cls, KNOWN):
        layer = bare(cls)(*args, **kwargs)  # type: ignore[arg-type]  # functools' stubs take a class's __hash__ for its instances'
        layer.__class__ = cls
        if not layer.weight.is_meta:
            fill(layer, generator)
        return layer
    if generator is None:
        return cls(*args, **kwargs)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)) if stateful(cls) else 0)
        return cls(*args, **kwargs)


def holding(weights: list[Weight]) -> nn.Module:
    """A module that owns the parameters of a function, each filled with its value; no policy draws them."""
    owner = nn.Module()
    for weight in weights:
        owner.register_parameter(weight.name, nn.Parameter(torch.full(weight.shape, weight.fill)))
    return owner


def stateful(cls: type[nn.Module]) -> bool:
    """Whether constructing the class may draw numbers; plain layers such as Dropout must not advance the generator."""
    return hasattr(cls, "reset_parameters")


@cache
def bare(cls: type[nn.Module]) -> type[nn.Module]:
    """A subclass whose constructor leaves the weights as they were allocated. No global switch, so threads do not meet."""
    return type(cls.__name__, (cls,), {"reset_parameters": lambda self: None})
