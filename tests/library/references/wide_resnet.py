"""The wide ResNets of arXiv:1605.07146 table 1, for CIFAR: pre-activation basic blocks, as the released code has them."""

from __future__ import annotations

from functools import partial

import torch
from library.references.units import head
from torch import nn


class PreActivation(nn.Module):
    """Norm and ReLU before each 3x3; where the shape changes both paths start behind the first of them."""

    def __init__(self, channels: int, out: int, stride: int = 1):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(out)
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.projection = nn.Conv2d(channels, out, 1, stride, bias=False) if stride > 1 or channels != out else None

    def forward(self, x):
        h = torch.relu(self.norm1(x))
        y = self.conv2(torch.relu(self.norm2(self.conv1(h))))
        return y + (x if self.projection is None else self.projection(h))


def wrn(depth: int, k: int) -> nn.Sequential:
    """`depth` layers, `k` times as wide as a ResNet for CIFAR."""
    layers, channels = [nn.Conv2d(3, 16, 3, padding=1, bias=False)], 16
    for out in (16 * k, 32 * k, 64 * k):
        for i in range((depth - 4) // 6):
            layers.append(PreActivation(channels, out, 2 if out > 16 * k and i == 0 else 1))
            channels = out
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *head(channels, 10))


NETWORKS = {f"wrn_{depth}_{k}_cifar10": partial(wrn, depth, k) for depth, k in ((28, 10), (16, 8), (40, 4))}
