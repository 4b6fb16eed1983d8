"""MobileNet of arXiv:1704.04861, table 1; the strided last unit of the table has stride 1, or its macs would not be those of table 6."""

from __future__ import annotations

from functools import partial

from library.references.units import head, unit
from torch import nn

ROWS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]  # channels, stride


def mobilenet(alpha: float) -> nn.Sequential:
    """Depthwise and pointwise convolution in turn; every width times `alpha`."""
    channels = int(32 * alpha)
    layers = [unit(3, channels, 3, 2)]
    for row, stride in ROWS:
        out = int(row * alpha)
        layers += [unit(channels, channels, 3, stride, channels), unit(channels, out)]
        channels = out
    return nn.Sequential(*layers, *head(channels, 1000))


NETWORKS = {
    "mobilenet_v1": partial(mobilenet, 1.0),
    **{f"mobilenet_v1_{alpha}": partial(mobilenet, alpha) for alpha in (0.75, 0.5, 0.25)},
}
