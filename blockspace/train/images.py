"""Split: images with their labels, in memory or decoded when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from blockspace.train import folder


class FileImages(Dataset):
    """Image files that look like a uint8 tensor `(N, C, H, W)` indexed by a tensor of indices; each use decodes them anew."""

    dtype = torch.uint8

    def __init__(self, paths: list[Path], shape: tuple[int, int, int], workers: int = 0):
        self.paths, self.image_shape, self.workers = paths, shape, workers
        self.shape = (len(paths), *shape)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, indices: Tensor) -> Tensor:
        return torch.from_numpy(folder.decode_all([self.paths[i] for i in indices.tolist()], self.image_shape))


Images = Tensor | FileImages


@dataclass(frozen=True, eq=False)
class Split:
    """Images `(N, C, H, W)`, uint8 or float, and labels `(N,)`, int64, of `n_classes` classes.

    A network sees `(pixels / 255 - mean) / std` of uint8 images, and `(pixels - mean) / std` of float ones, per channel.
    """

    images: Images
    labels: Tensor
    n_classes: int
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __len__(self) -> int:
        return len(self.labels)

    def normalized(self, images: Tensor) -> Tensor:
        """Raw images of this split as a network sees them: float32 `(B, C, H, W)`."""
        scale = 255.0 if self.images.dtype == torch.uint8 else 1.0
        mean = torch.tensor(self.mean, device=images.device).mul_(scale).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=images.device).mul_(scale).view(1, -1, 1, 1)
        return images.float().sub_(mean).div_(std) if images.dtype == torch.uint8 else images.float().sub(mean).div_(std)

    def raw(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """The raw images at each of several index tensors; files are decoded by a DataLoader, in `workers` processes when there are any."""
        if isinstance(self.images, FileImages):
            own = torch.Generator().manual_seed(0)  # DataLoader would otherwise draw from torch's global generator
            yield from DataLoader(self.images, sampler=list(chunks), batch_size=None, num_workers=self.images.workers, generator=own)
        else:
            for chunk in chunks:
                yield self.images[chunk]

    def to(self, device: torch.device) -> Split:
        """The same split with what is in memory moved to `device`."""
        images = self.images.to(device) if isinstance(self.images, Tensor) else self.images
        return replace(self, images=images, labels=self.labels.to(device))


def joined(first: Split, second: Split) -> Split:
    """Both splits as one, normalised as the first."""
    a, b = first.images, second.images
    if isinstance(a, FileImages) and isinstance(b, FileImages):
        images: Images = FileImages(a.paths + b.paths, a.image_shape, a.workers)
    else:
        images = torch.cat([a, b])
    return replace(first, images=images, labels=torch.cat([first.labels, second.labels]))


def statistics(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel, in 0..1; of files, over at most 1,024 of them, evenly spaced."""
    if isinstance(images, FileImages):
        images = images[torch.linspace(0, len(images) - 1, min(len(images), 1024)).long()]
    levels = numpy.arange(256) / 255
    mean, std = [], []
    for channel in range(images.shape[1]):
        # from the histogram: exact counts, so the same numbers on every machine, and no float copy of the data
        weights = numpy.bincount(images[:, channel].numpy().ravel(), minlength=256) / images[:, channel].numel()
        centre = float(weights @ levels)
        mean.append(round(centre, 6))
        std.append(round(max(float(weights @ (levels - centre) ** 2) ** 0.5, 1e-3), 6))
    return tuple(mean), tuple(std)


def resized(images: Tensor, size: int) -> Tensor:
    """Images `(N, C, H, W)` at `size` x `size`: bilinear, with antialiasing when they shrink; dtype kept. Thousands at a time."""
    if tuple(images.shape[2:]) == (size, size):
        return images
    smaller = size < min(images.shape[2:])
    scale = torch.nn.functional.interpolate
    parts = [scale(part.float(), (size, size), mode="bilinear", antialias=smaller) for part in images.split(4096)]
    if images.dtype == torch.uint8:
        parts = [part.round_().clamp_(0, 255).to(torch.uint8) for part in parts]
    return torch.cat(parts)
