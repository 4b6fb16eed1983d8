"""Pool: the images of one part with their labels and the hashes of what they are, however they are held."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch
from torch.utils.data import Subset

from blockspace.data import decode, scan
from blockspace.data.catalogue import DataSpec
from blockspace.data.images import Images, LazyImages, resized
from blockspace.data.partition import content_keys
from blockspace.errors import error

CHUNK = 256  # images decoded at a time while they are hashed


@dataclass(frozen=True, eq=False)
class Pool:
    """Images `(N, C, H, W)` with their labels and the seeded hashes of what they were before any resizing."""

    images: Images
    labels: list[int]
    keys: list[bytes]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: numpy.ndarray) -> Pool:
        """The images at these indices."""
        labels, keys = [self.labels[i] for i in indices], [self.keys[i] for i in indices]
        if isinstance(self.images, LazyImages):
            items = self.images.items
            chosen = [items[i] for i in indices] if isinstance(items, list) else Subset(items, indices.tolist())
            return Pool(self.images.like(chosen), labels, keys)
        return Pool(self.images[torch.from_numpy(indices)], labels, keys)


def fits(count: int, shape: tuple[int, int, int]) -> bool:
    """Whether so many decoded images are held in memory."""
    return count * int(numpy.prod(shape, dtype=numpy.int64)) <= decode.IN_MEMORY


def of_arrays(images: numpy.ndarray, labels: list[int], spec: DataSpec) -> Pool:
    """Images `(N, C, H, W)` in memory, with the channels and at the size that the spec asks for."""
    pixels = torch.from_numpy(images)
    if spec.channels and spec.channels != pixels.shape[1]:
        pixels = recoloured(pixels, spec.channels)
    return Pool(resized(pixels, spec.size, spec.fit) if spec.size else pixels, labels, content_keys(images, spec.seed))


def recoloured(pixels: torch.Tensor, channels: int) -> torch.Tensor:
    """Grey as RGB, or RGB as grey by its luma (ITU-R 601, as PIL and torchvision do). Raises BlockspaceError (E-DATA)."""
    from torchvision.transforms.v2.functional import grayscale_to_rgb, rgb_to_grayscale

    if pixels.shape[1] not in (1, 3):
        raise error("E-DATA", f"images of {pixels.shape[1]} channels cannot become {channels}", help="leave `channels` out")
    return rgb_to_grayscale(pixels) if channels == 1 else grayscale_to_rgb(pixels)


def of_files(files: list[Path], labels: list[int], hashes: list[bytes], shape: tuple[int, int, int], spec: DataSpec, lazy: bool) -> Pool:
    """Image files whose bytes were hashed: equal files are the same image wherever they lie."""
    salt = str(spec.seed).encode()
    keys = [hashlib.blake2b(key, digest_size=16, key=salt).digest() for key in hashes]
    if lazy:
        return Pool(LazyImages(files, shape, spec.fit, spec.workers), labels, keys)
    return Pool(torch.from_numpy(scan.decoded(files, hashes, shape, spec.fit)), labels, keys)


def of_items(items: Any, labels: list[int], shape: tuple[int, int, int], spec: DataSpec, lazy: bool, source: Path | None = None) -> Pool:
    """Images behind `items[i]`, as PIL images, arrays or tensors. Lazy ones are gone through once for their hashes, which are kept when the
    `source` they come from on the disk is known (a path of their own for each part: its parent's stamp tells when to look again)."""
    dtype = torch.float32 if getattr(items[0], "dtype", None) not in (None, torch.uint8, numpy.dtype(numpy.uint8)) else torch.uint8
    images = LazyImages(items, shape, spec.fit, spec.workers, dtype)
    if not lazy:
        pixels = images[torch.arange(len(items))]
        return Pool(pixels, labels, content_keys(pixels.numpy(), spec.seed))
    return Pool(images, labels, keys_of(images, spec, source))


def keys_of(images: LazyImages, spec: DataSpec, source: Path | None) -> list[bytes]:
    """The hashes of images decoded one after the other."""
    name = f"{source}:{scan.stamp(str(source.parent))}:{len(images)}:{images.shape}:{spec.seed}:{spec.fit}" if source else None
    place = scan.cache_folder() / "keys" / f"{scan.text_hash(name)}.npy" if name else None
    kept = scan.recall_keys(place, len(images)) if place else None
    if kept is not None:
        return kept
    keys = [key for chunk in torch.arange(len(images)).split(CHUNK) for key in content_keys(images[chunk].numpy(), spec.seed)]
    if place:
        scan.keep_keys(place, keys)
    return keys
