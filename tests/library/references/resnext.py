"""ResNeXt-29 of arXiv:1611.05431 section 5.3, for CIFAR."""

from __future__ import annotations

from functools import partial

from library.references.units import Residual, head, unit
from torch import nn


def bottleneck(channels: int, out: int, stride: int, cardinality: int, width: int) -> Residual:
    """Form (c): one grouped 3x3 of `cardinality` groups of `width` channels."""
    inner = cardinality * width
    main = nn.Sequential(unit(channels, inner), unit(inner, inner, 3, stride, cardinality), unit(inner, out, act=False))
    return Residual(channels, out, stride, main)


def resnext29(cardinality: int, width: int) -> nn.Sequential:
    layers, channels = [unit(3, 64, 3)], 64
    for stage in range(3):
        for i in range(3):
            out = 256 * 2**stage
            layers.append(bottleneck(channels, out, 2 if stage and i == 0 else 1, cardinality, width * 2**stage))
            channels = out
    return nn.Sequential(*layers, *head(channels, 10))


NETWORKS = {f"resnext29_{c}x64d_cifar10": partial(resnext29, c, 64) for c in (8, 16)}
