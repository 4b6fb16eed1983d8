"""DenseNets of arXiv:1608.06993 for CIFAR: plain, with bottleneck layers (B), with compression (C), and both."""

from __future__ import annotations

import re

import torch
from library.references.units import head
from torch import nn


def preactivated(channels: int, out: int, k: int) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, out, k, padding=k // 2, bias=False)]


class Layer(nn.Module):
    """H of equation 2, with its input before its output."""

    def __init__(self, channels: int, k: int, bottleneck: bool):
        super().__init__()
        inner = [*preactivated(channels, 4 * k, 1), *preactivated(4 * k, k, 3)]
        self.h = nn.Sequential(*(inner if bottleneck else preactivated(channels, k, 3)))

    def forward(self, x):
        return torch.cat([x, self.h(x)], 1)


def densenet(depth: int, k: int, bottleneck: bool, compression: bool, first: int) -> nn.Sequential:
    """Three dense blocks of equal depth; `first` channels enter the first."""
    layers, channels = [nn.Conv2d(3, first, 3, padding=1, bias=False)], first
    for block in range(3):
        for _ in range((depth - 4) // (6 if bottleneck else 3)):
            layers.append(Layer(channels, k, bottleneck))
            channels += k
        if block < 2:
            out = channels // 2 if compression else channels
            layers += [*preactivated(channels, out, 1), nn.AvgPool2d(2)]
            channels = out
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *head(channels, 10))


def named(name: str) -> nn.Sequential:
    """The network that a published name means, such as `densenet_bc_L100_k12_cifar10`."""
    kind, depth, k, lua = re.fullmatch(r"densenet_(?:(b|c|bc)_)?L(\d+)_k(\d+)_cifar10(_luainit)?", name).groups()
    first = 2 * int(k) if kind == "bc" or lua else 16
    return densenet(int(depth), int(k), "b" in (kind or ""), "c" in (kind or ""), first)


GRID = [f"densenet_{kind}L{depth}_k{k}_cifar10" for kind in ("", "b_", "c_", "bc_") for depth in (40, 100) for k in (12, 32)]
OTHERS = [f"densenet_{rest}" for rest in ("L100_k24_cifar10", "bc_L190_k40_cifar10", "bc_L250_k24_cifar10", "L40_k12_cifar10_luainit")]
NETWORKS = {name: (lambda name=name: named(name)) for name in (*GRID, *OTHERS)}
