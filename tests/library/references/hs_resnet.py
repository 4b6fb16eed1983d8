"""HS-ResNet-50 of arXiv:2010.07621 in the readings of the public implementations: its code and widths were never released."""

from __future__ import annotations

import re

import torch
from library.references.units import Residual, head, stem, unit
from torch import nn


class Split(nn.Module):
    """Figure 2 (a): the first part passes; of each other output the front half leaves, the back half joins the next part.

    The front half is the larger one of an odd number; the last output leaves whole.
    """

    def __init__(self, widths: list[int]):
        super().__init__()
        self.widths, self.convs, carried = widths, nn.ModuleList(), 0
        for width in widths[1:]:
            self.convs.append(unit(width + carried, width + carried, 3))
            carried = (width + carried) // 2

    def forward(self, x):
        first, *parts = torch.split(x, self.widths, 1)
        out, carried = [first], None
        for part, conv in zip(parts, self.convs):
            z = conv(part if carried is None else torch.cat([part, carried], 1))
            front = (z.shape[1] + 1) // 2 if conv is not self.convs[-1] else z.shape[1]
            out.append(z[:, :front])
            carried = z[:, front:]
        return torch.cat(out, 1)


def chunks(channels: int, parts: int) -> list[int]:
    """The sizes that torch.chunk gives."""
    return [part.shape[0] for part in torch.empty(channels).chunk(parts)]


def hs_resnet50(parts: int, width: int | None, plain: str, vd: bool) -> nn.Sequential:
    """`width` channels of a part in stage 1, or the width of ResNet in torch.chunk's sizes.

    A block that strides is plain: with ResNet's inner width (`planes`), or with that of the other blocks (`inner`); with `projected` every
    block with a projection is.
    """
    layers, channels = [*stem(vd)], 64
    for stage, depth in enumerate((3, 4, 6, 3)):
        planes = 64 * 2**stage
        widths = chunks(planes, parts) if width is None else [planes * width // 64] * parts
        for i in range(depth):
            stride = 2 if stage and i == 0 else 1
            if stride > 1 or (plain == "projected" and i == 0):
                inner = sum(widths) if plain == "inner" else planes
                middle = unit(inner, inner, 3, stride)
            else:
                inner, middle = sum(widths), Split(widths)
            main = nn.Sequential(unit(channels, inner), middle, unit(inner, 4 * planes, act=False))
            layers.append(Residual(channels, 4 * planes, stride, main, pooled=vd))
            channels = 4 * planes
    return nn.Sequential(*layers, *head(channels, 1000))


def named(name: str) -> nn.Sequential:
    """The network that a name means: `hsresnet50_s5_chunk`, `hsresnet50_28w_5s_vd`, `hsresnet50_17w_5s_plainplanes`."""
    if chunk := re.fullmatch(r"hsresnet50_s(\d+)_chunk", name):
        return hs_resnet50(int(chunk[1]), None, "projected", False)
    width, parts, planes, vd = re.fullmatch(r"hsresnet50_(\d+)w_(\d+)s(_plainplanes)?(_vd)?", name).groups()
    return hs_resnet50(int(parts), int(width), "planes" if planes else "inner", bool(vd))


BUDGET = ("47w_2s", "28w_3s", "21w_4s", "17w_5s", "14w_6s", "12w_7s", "11w_8s")
WIDER = ("16w_5s", "18w_5s", "20w_5s", "28w_5s", "14w_8s")
INNER = ("28w_4s", "20w_5s", "22w_5s", "24w_5s", "26w_5s", "28w_5s", "32w_5s", "26w_6s", "14w_8s", "16w_8s", "20w_8s", "26w_8s")
NAMES = [
    *(f"hsresnet50_s{s}_chunk" for s in (2, 4, 5, 8)),
    *(f"hsresnet50_{size}_plainplanes" for size in (*BUDGET, *WIDER)),
    *(f"hsresnet50_{size}_plainplanes_vd" for size in BUDGET),
    *(f"hsresnet50_{size}{vd}" for size in INNER for vd in ("", "_vd")),
]
NETWORKS = {
    "hs_resnet50": lambda: named("hsresnet50_17w_5s_plainplanes"),
    **{name: (lambda name=name: named(name)) for name in NAMES},
}
