"""Images with their labels, in memory or decoded when they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Dataset

from blockspace.data.decode import decode_all
from blockspace.data.decoding import Decoding
from blockspace.data.loading import GuardedImages, iterate_images


class LazyImages(Dataset[Tensor]):
    """Images that look like a tensor `(N, C, H, W)` indexed by a tensor of indices; each use decodes them anew.

    `items[i]` is anything that `decode` takes: a file's path, a PIL image, an array. A list or a map-style Dataset.
    """

    def __init__(self, items: Any, decoding: Decoding, workers: int = 0, dtype: torch.dtype = torch.uint8):
        self.items, self.decoding, self.workers, self.dtype = items, decoding, workers, dtype
        self.shape = (len(items), *decoding.shape)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, indices: Tensor) -> Tensor:
        chosen = (self.items[i] for i in indices.tolist())
        return torch.from_numpy(decode_all(chosen, self.decoding, NUMPY[self.dtype]))

    def like(self, items: Any) -> LazyImages:
        """Return other images, decoded in the same way."""
        return LazyImages(items, self.decoding, self.workers, self.dtype)


NUMPY = {torch.uint8: numpy.uint8, torch.float32: numpy.float32}
Images = Tensor | LazyImages


@dataclass(frozen=True, eq=False)
class Split:
    """Images `(N, C, H, W)`, uint8 or float, and labels `(N,)`: int64 of `n_classes` classes, or the targets of another task.

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
        """Return raw images of this split as a network sees them: float32 `(B, C, H, W)`."""
        scale = 255.0 if self.images.dtype == torch.uint8 else 1.0
        mean = torch.tensor(self.mean, device=images.device).mul_(scale).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=images.device).mul_(scale).view(1, -1, 1, 1)
        return images.float().sub_(mean).div_(std) if images.dtype == torch.uint8 else images.float().sub(mean).div_(std)

    def raw(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the raw images at each of several index tensors; files are decoded by a DataLoader, with the data's `workers` processes."""
        if isinstance(self.images, LazyImages):
            own = torch.Generator().manual_seed(0)  # DataLoader would otherwise draw from torch's global generator
            images, workers = GuardedImages(self.images), self.images.workers
            yield from iterate_images(DataLoader(images, sampler=list(chunks), batch_size=None, num_workers=workers, generator=own))
        else:
            for chunk in chunks:
                yield self.images[chunk]

    def to(self, device: torch.device) -> Split:
        """Return the same split with what is in memory moved to `device`."""
        images = self.images.to(device) if isinstance(self.images, Tensor) else self.images
        return replace(self, images=images, labels=self.labels.to(device))


def join_splits(first: Split, second: Split) -> Split:
    """Return both splits as one, normalised as the first."""
    a, b = first.images, second.images
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        images: Images = torch.cat([a, b])
    else:
        parts: list[Any] = [one.items if isinstance(one, LazyImages) else one for one in (a, b)]
        images = next(one for one in (a, b) if isinstance(one, LazyImages)).like(ConcatDataset(parts))
    return replace(first, images=images, labels=torch.cat([first.labels, second.labels]))


def compute_statistics(images: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel, of uint8 images in 0..1; of lazy ones, over at most 1,024 of them, evenly spaced."""
    if isinstance(images, LazyImages):
        images = images[torch.linspace(0, len(images) - 1, min(len(images), 1024)).long()]
    measure = histogram_statistics if images.dtype == torch.uint8 else float_statistics
    found = [measure(images[:, channel].numpy().ravel()) for channel in range(images.shape[1])]
    return tuple(round(mean, 6) for mean, _ in found), tuple(round(max(std, 1e-3), 6) for _, std in found)


def histogram_statistics(values: numpy.ndarray) -> tuple[float, float]:
    """Return mean and deviation of bytes, in 0..1: exact counts, so the same numbers on every machine, and no float copy of the data."""
    levels = numpy.arange(256) / 255
    weights = numpy.bincount(values, minlength=256) / values.size
    mean = float(weights @ levels)
    return mean, float(weights @ (levels - mean) ** 2) ** 0.5


def float_statistics(values: numpy.ndarray) -> tuple[float, float]:
    """Return mean and deviation of floats."""
    return float(values.mean(dtype=numpy.float64)), float(values.std(dtype=numpy.float64))


def resize_images(images: Tensor, size: int, fit: str = "crop") -> Tensor:
    """Return images `(N, C, H, W)` at `size` x `size`: bilinear, with antialiasing when they shrink; dtype kept. Thousands at a time.

    With `crop` the middle square is taken first, with `stretch` everything.
    """
    if tuple(images.shape[2:]) == (size, size):
        return images
    if fit == "crop":
        images = crop_middle(images)
    smaller = size < min(images.shape[2:])
    scale = torch.nn.functional.interpolate
    parts = [scale(part.float(), (size, size), mode="bilinear", antialias=smaller) for part in torch.split(images, 4096)]
    if images.dtype == torch.uint8:
        parts = [part.round_().clamp_(0, 255).to(torch.uint8) for part in parts]
    return torch.cat(parts)


def crop_middle(images: Tensor) -> Tensor:
    """Return the square in the middle of each image."""
    side = min(images.shape[2:])
    top, left = ((length - side) // 2 for length in images.shape[2:])
    return images[:, :, top : top + side, left : left + side]
