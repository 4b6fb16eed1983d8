"""Initialisation by named policy, once: layers are made without their own draw, then the policy fills them in graph order."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

from blockspace.errors import did_you_mean, error
from blockspace.ops import Weight

Policy = Callable[[nn.Module, "torch.Generator | None"], None]


def init_default(layer: nn.Module, generator: torch.Generator | None) -> None:
    """Draw as torchvision's ResNet: convolutions He normal over fan-out (arXiv:1502.01852), zero bias; all else as `init_torch`."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    else:
        init_torch(layer, generator)


def init_torch(layer: nn.Module, generator: torch.Generator | None) -> None:
    """Draw as the layers of torch by themselves: weight and bias uniform within 1 / sqrt(fan-in), norms 1 and 0."""
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        bound = 1 / math.sqrt(layer.weight[0].numel())
        for tensor in (layer.weight, layer.bias):
            if tensor is not None:
                nn.init.uniform_(tensor, -bound, bound, generator=generator)
    elif isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm)):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)


POLICIES: dict[str, Policy] = {"default": init_default, "torch": init_torch}
KNOWN = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.GroupNorm)


def get_policy(name: str) -> Policy:
    """Return the policy of this name. Raises BlockspaceError (E-NAME)."""
    if name not in POLICIES:
        raise error("E-NAME", f"unknown init {name!r}", help=did_you_mean(name, POLICIES) or f"known: {', '.join(POLICIES)}")
    return POLICIES[name]


def make_generator(seed: int | None) -> torch.Generator | None:
    """Return a generator of its own for a seed; None is torch's global one."""
    return None if seed is None else torch.Generator().manual_seed(int(seed))


def make_layer(
    cls: type[nn.Module], args: tuple[Any, ...], kwargs: dict[str, Any], fill: Policy, generator: torch.Generator | None
) -> nn.Module:
    """Return a layer with the policy's weights. Classes no policy knows keep their own draw, under a seed taken from `generator`."""
    if issubclass(cls, KNOWN):
        layer = without_init(cls)(*args, **kwargs)  # type: ignore[arg-type]  # functools' stubs take a class's __hash__ for its instances'
        layer.__class__ = cls
        if not layer.weight.is_meta:
            fill(layer, generator)
        return layer
    if generator is None:
        return cls(*args, **kwargs)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)) if draws_weights(cls) else 0)
        return cls(*args, **kwargs)


def make_weight_owner(weights: list[Weight]) -> nn.Module:
    """Return a module that owns the parameters of a function, each filled with its value; no policy draws them."""
    owner = nn.Module()
    for weight in weights:
        owner.register_parameter(weight.name, nn.Parameter(torch.full(weight.shape, weight.fill)))
    return owner


def draws_weights(cls: type[nn.Module]) -> bool:
    """Return whether constructing the class may draw numbers; plain layers such as Dropout must not advance the generator."""
    return hasattr(cls, "reset_parameters")


@cache
def without_init(cls: type[nn.Module]) -> type[nn.Module]:
    """Return a subclass whose constructor leaves the weights as they were allocated. No global switch, so threads do not meet."""
    return type(cls.__name__, (cls,), {"reset_parameters": lambda self: None})
