"""ResNets of arXiv:1512.03385 that torchvision does not build: the CIFAR networks of section 4.2, and the stride on the first 1x1."""

from __future__ import annotations

from functools import partial

import torch
import torchvision
from library.references.units import Residual, head, unit
from torch import nn
from torch.nn import functional as F


class BasicA(nn.Module):
    """Basic block whose shortcut takes every second pixel and has zeros in the new channels (option A)."""

    def __init__(self, channels: int, out: int, stride: int):
        super().__init__()
        self.main = nn.Sequential(unit(channels, out, 3, stride), unit(out, out, 3, act=False))
        self.stride, self.new = stride, out - channels

    def forward(self, x):
        return torch.relu(self.main(x) + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new)))


def basic_b(channels: int, out: int, stride: int) -> Residual:
    """Basic block with a projection where the shape changes (option B)."""
    return Residual(channels, out, stride, nn.Sequential(unit(channels, out, 3, stride), unit(out, out, 3, act=False)))


def cifar(block, n: int) -> nn.Sequential:
    """6n + 2 layers on 32x32 images."""
    layers, channels = [unit(3, 16, 3)], 16
    for out in (16, 32, 64):
        for i in range(n):
            layers.append(block(channels, out, 2 if out > 16 and i == 0 else 1))
            channels = out
    return nn.Sequential(*layers, *head(64, 10))


def v1(name: str) -> nn.Module:
    """torchvision's network with the stride of each block moved to its first 1x1."""
    network = getattr(torchvision.models, name)()
    for block in network.modules():
        if isinstance(block, torchvision.models.resnet.Bottleneck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return network


NETWORKS = {
    "resnet20": partial(cifar, BasicA, 3),
    **{f"resnet{6 * n + 2}_cifar10_A": partial(cifar, BasicA, n) for n in (3, 5, 7, 9, 18)},
    **{f"resnet{6 * n + 2}_cifar10_B": partial(cifar, basic_b, n) for n in (3, 9, 18)},
    **{f"{name}_v1": partial(v1, name) for name in ("resnet50", "resnet101", "resnet152")},
}
