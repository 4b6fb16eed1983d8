"""A small residual network for tests; nothing of the compiler's."""

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU())

    def forward(self, images):
        return images + self.inner(images)


def small(seed: int = 0, channels: int = 16, dropout: float = 0.0, outputs: int = 10) -> nn.Module:
    """16x16 -> 8x8 -> 4x4, some 14,000 parameters at 16 channels; the weights are a function of the seed."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        stem = [nn.Conv2d(1, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(), Residual(channels)]
        body = [nn.Conv2d(channels, 2 * channels, 3, 2, 1), nn.BatchNorm2d(2 * channels), nn.ReLU(), Residual(2 * channels)]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout), nn.Linear(2 * channels, outputs)]
        return nn.Sequential(*stem, *body, *head)
