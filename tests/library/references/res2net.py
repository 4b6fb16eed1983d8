"""Res2NeXt-29 of arXiv:1904.01169 section 4.3, for CIFAR; timm has the networks for ImageNet only."""

from __future__ import annotations

import re

import torch
from library.references.units import Residual, head, unit
from torch import nn


class Scales(nn.Module):
    """Equation 1: parts of `width` channels, each but the last convolved after the output before it is added.

    The block that opens a stage adds nothing, and its last part is pooled, or convolved like the others with `whole`.
    """

    def __init__(self, width: int, scale: int, cardinality: int, stride: int, opening: bool, whole: bool):
        super().__init__()
        self.width, self.opening = width, opening
        count = scale if opening and whole else scale - 1
        self.convs = nn.ModuleList(unit(width, width, 3, stride, cardinality) for _ in range(count))
        self.last = nn.AvgPool2d(3, stride, 1) if opening else nn.Identity()

    def forward(self, x):
        parts, out = torch.split(x, self.width, 1), []
        for part, conv in zip(parts, self.convs):
            out.append(conv(part + out[-1] if out and not self.opening else part))
        return torch.cat([*out, *(self.last(part) for part in parts[len(out) :])], 1)


class Squeeze(nn.Module):
    """Squeeze-and-excitation with a sixteenth of the channels in the middle."""

    def __init__(self, channels: int):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, channels // 16, 1), nn.Conv2d(channels // 16, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.expand(torch.relu(self.reduce(x.mean((2, 3), keepdim=True)))))


def res2next29(cardinality: int, width: int, scale: int, classes: int, squeeze: bool, whole: bool) -> nn.Sequential:
    layers, channels = [unit(3, 64, 3)], 64
    for stage in range(3):
        out, part = 256 * 2**stage, width * 2**stage * cardinality
        for i in range(3):
            stride = 2 if stage and i == 0 else 1
            scales = Scales(part, scale, cardinality, stride, i == 0, whole)
            main = [unit(channels, part * scale), scales, unit(part * scale, out, act=False), *([Squeeze(out)] if squeeze else [])]
            layers.append(Residual(channels, out, stride, nn.Sequential(*main)))
            channels = out
    return nn.Sequential(*layers, *head(channels, classes))


def named(name: str) -> nn.Sequential:
    """The network that a name means, such as `res2next29_8c25w4s_se_cifar100`."""
    c, w, s, rest = re.fullmatch(r"res2next29_(\d+)c(\d+)w(\d+)s_(.*)", name).groups()
    return res2next29(int(c), int(w), int(s), 10 if "10cls" in rest else 100, "se" in rest.split("_"), "allconv" in rest)


NAMES = ("6c24w4s_cifar100", "8c25w4s_cifar100", "8c25w4s_se_cifar100", "6c24w6s_cifar100")
WHOLE = ("6c24w4s_allconv_10cls", "8c25w4s_allconv_10cls", "6c24w6s_allconv_10cls")
NETWORKS = {f"res2next29_{rest}": (lambda name=f"res2next29_{rest}": named(name)) for rest in (*NAMES, *WHOLE)}
