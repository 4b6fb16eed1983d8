"""What the re-implementations share: convolution, norm and activation in a row, and the two stems and heads of residual networks."""

from __future__ import annotations

import torch
from torch import nn


def unit(channels: int, out: int, k: int = 1, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    """Convolution without bias, batch norm, and ReLU unless `act` is false."""
    conv = nn.Conv2d(channels, out, k, stride, k // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), *([nn.ReLU()] if act else []))


def stem(deep: bool = False) -> nn.Sequential:
    """A 7x7, or three 3x3 (arXiv:1812.01187 figure 2 b), then max pooling: 64 channels at a quarter of the size."""
    convs = [unit(3, 32, 3, 2), unit(32, 32, 3), unit(32, 64, 3)] if deep else [unit(3, 64, 7, 2)]
    return nn.Sequential(*convs, nn.MaxPool2d(3, 2, 1))


def head(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class Residual(nn.Module):
    """`relu(main(x) + shortcut(x))`; the shortcut is a projection where the shape changes, pooled before it with `pooled`."""

    def __init__(self, channels: int, out: int, stride: int, main: nn.Module, pooled: bool = False):
        super().__init__()
        self.main, self.shortcut = main, nn.Identity()
        if pooled and stride > 1:
            pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
            self.shortcut = nn.Sequential(pool, unit(channels, out, act=False))
        elif stride > 1 or channels != out:
            self.shortcut = unit(channels, out, 1, stride, act=False)

    def forward(self, x):
        return torch.relu(self.main(x) + self.shortcut(x))
