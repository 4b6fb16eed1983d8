"""GoogLeNet of arXiv:1409.4842, table 1, without the heads of training: as published, and with batch norms in place of what it had."""

from __future__ import annotations

from functools import partial

import torch
from library.references.units import head
from torch import nn

ROWS = """
3a  64  96 128 16  32  32
3b 128 128 192 32  96  64
4a 192  96 208 16  48  64
4b 160 112 224 24  64  64
4c 128 128 256 24  64  64
4d 112 144 288 32  64  64
4e 256 160 320 32 128 128
5a 256 160 320 32 128 128
5b 384 192 384 48 128 128
"""  # #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj


def conv(channels: int, out: int, k: int, norms: bool, stride: int = 1) -> nn.Sequential:
    """Convolution and ReLU, with biases, or with a batch norm between them."""
    between = [nn.BatchNorm2d(out)] if norms else []
    return nn.Sequential(nn.Conv2d(channels, out, k, stride, k // 2, bias=not norms), *between, nn.ReLU())


class Inception(nn.Module):
    """Figure 2 (b): four branches side by side."""

    def __init__(self, channels: int, widths: list[int], norms: bool):
        super().__init__()
        one, reduce3, three, reduce5, five, pooled = widths
        self.branches = nn.ModuleList([
            conv(channels, one, 1, norms),
            nn.Sequential(conv(channels, reduce3, 1, norms), conv(reduce3, three, 3, norms)),
            nn.Sequential(conv(channels, reduce5, 1, norms), conv(reduce5, five, 5, norms)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(channels, pooled, 1, norms)),
        ])  # fmt: skip

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


def googlenet(norms: bool) -> nn.Sequential:
    """Poolings round up and have no padding, as in Caffe, where they were trained; the last one is torchvision's 2x2."""
    pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
    response = [] if norms else [nn.LocalResponseNorm(5)]
    layers = [conv(3, 64, 7, norms, 2), pool(), *response, conv(64, 64, 1, norms), conv(64, 192, 3, norms), *response, pool()]
    channels = 192
    for row in ROWS.split("\n")[1:-1]:
        name, *numbers = row.split()
        widths = [int(number) for number in numbers]
        layers += {"4a": [pool()], "5a": [nn.MaxPool2d(2, 2, ceil_mode=True)]}.get(name, [])
        layers.append(Inception(channels, widths, norms))
        channels = widths[0] + widths[2] + widths[4] + widths[5]
    average, flatten, linear = head(channels, 1000)
    return nn.Sequential(*layers, average, flatten, nn.Dropout(0.4), linear)


NETWORKS = {"googlenet_paper_5x5_nobn": partial(googlenet, False), "googlenet_5x5_bn": partial(googlenet, True)}
