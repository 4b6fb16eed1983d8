"""ShuffleNet v1 of arXiv:1707.01083, figure 2 and table 1; and as its authors released it (megvii-model/ShuffleNet-Series)."""

from __future__ import annotations

from functools import partial

import torch
from library.references.units import head, unit
from torch import nn


def shuffled(x: torch.Tensor, groups: int, released: bool) -> torch.Tensor:
    """Channels in turn from each group; the released code deals them out to the groups, which is the inverse."""
    n, c, h, w = x.shape
    rows, columns = (c // groups, groups) if released else (groups, c // groups)
    return x.reshape(n, rows, columns, h, w).transpose(1, 2).reshape(n, c, h, w)


class Unit(nn.Module):
    """Figure 2 (b) and (c): a quarter of the channels inside, no ReLU behind the depthwise convolution (section 3.2)."""

    def __init__(self, channels: int, out: int, groups: int, stride: int, first: bool, released: bool):
        super().__init__()
        self.groups, self.stride, self.released = groups, stride, released
        mid = out // 4
        self.squeeze = unit(channels, mid, groups=1 if first else groups)
        self.depthwise = unit(mid, mid, 3, stride, mid, act=False)
        self.expand = unit(mid, out if stride == 1 else out - channels, groups=groups, act=False)
        self.pool = nn.AvgPool2d(3, 2, 1)

    def forward(self, x):
        y = self.squeeze(x)
        if self.released:
            y = shuffled(self.depthwise(y), self.groups, True)
        else:
            y = self.depthwise(shuffled(y, self.groups, False))
        y = self.expand(y)
        return torch.relu(x + y) if self.stride == 1 else torch.relu(torch.cat([self.pool(x), y], 1))


def shufflenet(groups: int, width: int, stem: int = 24, released: bool = False) -> nn.Sequential:
    """4, 8 and 4 units; `width` channels in the first stage, twice as many in each next one."""
    layers, channels = [unit(3, stem, 3, 2), nn.MaxPool2d(3, 2, 1)], stem
    for stage, repeat in enumerate((4, 8, 4)):
        for i in range(repeat):
            layers.append(Unit(channels, width * 2**stage, groups, 1 if i else 2, stage == i == 0, released))
            channels = width * 2**stage
    pool, flatten, linear = head(channels, 1000)
    return nn.Sequential(*layers, pool, flatten, nn.Linear(channels, 1000, bias=False) if released else linear)


WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # table 1, by groups
RELEASED = {  # groups and size: width of the first stage, channels of the stem
    "g3_0.5x": (3, 120, 12), "g3_1.0x": (3, 240, 24), "g3_1.5x": (3, 360, 24), "g3_2.0x": (3, 480, 48),
    "g8_0.5x": (8, 192, 16), "g8_1.0x": (8, 384, 24), "g8_1.5x": (8, 576, 24),
}  # fmt: skip
NETWORKS = {
    **{f"shufflenet_v1_g{groups}_1.0x": partial(shufflenet, groups, width) for groups, width in WIDTHS.items()},
    **{f"shufflenet_v1_{name}_megvii": partial(shufflenet, *widths, released=True) for name, widths in RELEASED.items()},
}
