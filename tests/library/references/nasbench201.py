"""NAS-Bench-201 of arXiv:2001.00326, figure 1: a cell is four nodes, each the sum of an operation on every node before it."""

from __future__ import annotations

from functools import partial

import torch
from library.references.units import head
from torch import nn


def conv(channels: int, out: int, k: int, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution, batch norm: the benchmark's order."""
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, out, k, stride, k // 2, bias=False), nn.BatchNorm2d(out))


class Nothing(nn.Module):
    def forward(self, x):
        return torch.zeros_like(x)


OPERATIONS = {
    "none": lambda channels: Nothing(),
    "skip": lambda channels: nn.Identity(),
    "nor1x1": lambda channels: conv(channels, channels, 1),
    "nor3x3": lambda channels: conv(channels, channels, 3),
    "avg3x3": lambda channels: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
}


class Cell(nn.Module):
    """`edges` are the operations of node 2, 3 and 4 on the nodes before, as the benchmark's strings list them."""

    def __init__(self, channels: int, edges: list[list[str]]):
        super().__init__()
        self.edges = nn.ModuleList(nn.ModuleList(OPERATIONS[word](channels) for word in words) for words in edges)

    def forward(self, x):
        nodes = [x]
        for operations in self.edges:
            nodes.append(sum(operation(node) for operation, node in zip(operations, nodes)))
        return nodes[-1]


class Reduction(nn.Module):
    """Residual block between the stages: the shortcut pools and convolves, without a norm."""

    def __init__(self, channels: int, out: int):
        super().__init__()
        self.main = nn.Sequential(conv(channels, out, 3, 2), conv(out, out, 3))
        self.skip = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(channels, out, 1, bias=False))

    def forward(self, x):
        return self.main(x) + self.skip(x)


def network(edges: list[list[str]], channels: int = 16, cells: int = 5, classes: int = 10) -> nn.Sequential:
    """Three stages of `cells` equal cells."""
    layers = [nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
    for stage in range(3):
        if stage:
            layers.append(Reduction(channels, 2 * channels))
            channels *= 2
        layers += [Cell(channels, edges) for _ in range(cells)]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *head(channels, classes))


NETWORKS = {"nasbench201": partial(network, [["nor3x3"], ["nor3x3", "nor3x3"], ["skip", "nor3x3", "nor3x3"]])}
