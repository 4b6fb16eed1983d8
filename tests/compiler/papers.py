"""Blocks of papers that neither torchvision nor timm holds, written from the papers' figures, with torch alone."""

from __future__ import annotations

import json

import torch
from torch import nn
from torch.nn import functional as F
from written import block

from blockspace.graph import Graph


def graph(name: str, settings: dict, shape: tuple[int, int, int], defaults: dict) -> Graph:
    """The graph of a library block called below these defaults."""
    return block(json.dumps([{name: settings}]), f"defaults: {json.dumps(defaults)}").graph(shape)


class Unit(nn.Sequential):
    """Convolution without bias, batch norm, and ReLU unless `act` is false."""

    def __init__(self, channels, out, k=1, stride=1, groups=1, act=True):
        conv = nn.Conv2d(channels, out, k, stride, k // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(out), *([nn.ReLU()] if act else []))


class Inception(nn.Module):
    """Figure 2 (b) of arXiv:1409.4842, with the 5x5 that torchvision replaces by a 3x3, and batch norm."""

    def __init__(self, channels, c1, r3, c3, r5, c5, pooled):
        super().__init__()
        self.five = nn.Sequential(Unit(channels, r5), Unit(r5, c5, 5))
        self.three = nn.Sequential(Unit(channels, r3), Unit(r3, c3, 3))
        self.one, self.pooled = Unit(channels, c1), Unit(channels, pooled)

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(F.max_pool2d(x, 3, 1, 1))], 1)


class NaiveInception(nn.Module):
    """Figure 2 (a) of arXiv:1409.4842, as published: biases, no norm."""

    def __init__(self, channels, c1, c3, c5):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, out, k, padding=k // 2) for out, k in ((c1, 1), (c3, 3), (c5, 5)))

    def forward(self, x):
        return torch.cat([*(F.relu(conv(x)) for conv in self.convs), F.max_pool2d(x, 3, 1, 1)], 1)


class ShuffleUnit(nn.Module):
    """Figure 2 (b) and (c) of arXiv:1707.01083; no ReLU behind the depthwise convolution (section 3.2)."""

    def __init__(self, channels, out, groups, stride=1, first=False):
        super().__init__()
        self.groups, self.stride = groups, stride
        made = out if stride == 1 else out - channels
        self.squeeze = Unit(channels, out // 4, groups=1 if first else groups)
        self.depthwise = Unit(out // 4, out // 4, 3, stride, out // 4, act=False)
        self.expand = Unit(out // 4, made, groups=groups, act=False)

    def forward(self, x):
        y = self.squeeze(x)
        order = [g * (y.shape[1] // self.groups) + c for c in range(y.shape[1] // self.groups) for g in range(self.groups)]
        y = self.expand(self.depthwise(y[:, order]))
        return F.relu(x + y if self.stride == 1 else torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1))


class ReleasedShuffleUnit(ShuffleUnit):
    """The unit as its authors released it: shuffled behind the depthwise convolution, channels read as (C / g, g) and transposed."""

    def forward(self, x):
        y = self.depthwise(self.squeeze(x))
        if self.groups > 1:
            y = y.unflatten(1, (-1, self.groups)).transpose(1, 2).flatten(1, 2)
        y = self.expand(y)
        return F.relu(x + y) if self.stride == 1 else torch.cat([F.avg_pool2d(x, 3, 2, 1), F.relu(y)], 1)


class HSBlock(nn.Module):
    """Figure 2 (a) of arXiv:2010.07621: parts of these widths; the front half of an output leaves, the back half joins the next part."""

    def __init__(self, widths):
        super().__init__()
        self.widths, self.convs, carried = widths, nn.ModuleList(), 0
        for width in widths[1:]:
            self.convs.append(Unit(width + carried, width + carried, 3))
            carried = (width + carried) // 2

    def forward(self, x):
        first, *parts = torch.split(x, self.widths, 1)
        out, carried = [first], first[:, :0]
        for i, (part, conv) in enumerate(zip(parts, self.convs), 1):
            y = conv(torch.cat([part, carried], 1))
            cut = y.shape[1] - (y.shape[1] // 2 if i < len(parts) else 0)
            out.append(y[:, :cut])
            carried = y[:, cut:]
        return torch.cat(out, 1)


class HSBottleneck(nn.Module):
    """A residual bottleneck around it, at stride 1 and with equal channels."""

    def __init__(self, channels, widths):
        super().__init__()
        self.main = nn.Sequential(Unit(channels, sum(widths)), HSBlock(widths), Unit(sum(widths), channels, act=False))

    def forward(self, x):
        return F.relu(self.main(x) + x)
