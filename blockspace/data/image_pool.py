"""The images of one part with their labels and content hashes, in memory or decoded when they are used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import torch
from torch.utils.data import Subset

from blockspace.data import decode, scan
from blockspace.data.data_spec import DataSpec
from blockspace.data.decoding import Decoding
from blockspace.data.images import Images, LazyImages, resize_images
from blockspace.data.partition import hash_contents, reorder_keys
from blockspace.errors import error

CHUNK = 256  # images decoded at a time while they are hashed


@dataclass(frozen=True, eq=False)
class ImagePool:
    """Images `(N, C, H, W)` with their labels and keys, the seeded hashes of what they were before any resizing.

    Images of one key show the same, and stay together. Of image files, `contents` are the seeded hashes of the files as they are decoded,
    `thumbnails` uint8 `(N, 81)`, the levels of the pictures in grey at 9x9, and `names` their paths below the folder of the data.
    """

    images: Images
    labels: list[int]
    keys: list[bytes]
    contents: list[bytes] = field(default_factory=list)
    thumbnails: numpy.ndarray | None = None
    names: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: numpy.ndarray) -> ImagePool:
        """Return the images at these indices."""
        labels, keys = [self.labels[i] for i in indices], [self.keys[i] for i in indices]
        contents = [self.contents[i] for i in indices] if self.contents else []
        names = [self.names[i] for i in indices] if self.names else []
        thumbnails = None if self.thumbnails is None else self.thumbnails[indices]
        if isinstance(self.images, LazyImages):
            items = self.images.items
            chosen = [items[i] for i in indices] if isinstance(items, list) else Subset(items, indices.tolist())
            return ImagePool(self.images.like(chosen), labels, keys, contents, thumbnails, names)
        return ImagePool(self.images[torch.from_numpy(indices)], labels, keys, contents, thumbnails, names)

    def are_equal(self, indices: list[int]) -> bool:
        """Return whether these images are known to be all equal, pixel by pixel; of images that are not in memory only copies are."""
        if len({self.keys[i] for i in indices}) == 1:
            return True
        images = self.images
        return not isinstance(images, LazyImages) and all(torch.equal(images[i], images[indices[0]]) for i in indices)


def fits_in_memory(count: int, shape: tuple[int, int, int]) -> bool:
    """Return whether so many decoded images are held in memory."""
    return count * int(numpy.prod(shape, dtype=numpy.int64)) <= decode.IN_MEMORY


def pool_arrays(images: numpy.ndarray, labels: list[int], spec: DataSpec, channels: int | None = None) -> ImagePool:
    """Return a pool of images `(N, C, H, W)` in memory, at the size that the spec asks for, with its channels or those given."""
    pixels = torch.from_numpy(images)
    channels = spec.channels or channels
    if channels and channels != pixels.shape[1]:
        pixels = convert_channels(pixels, channels)
    return ImagePool(resize_images(pixels, spec.size, spec.fit) if spec.size else pixels, labels, hash_contents(images, spec.seed))


def convert_channels(pixels: torch.Tensor, channels: int) -> torch.Tensor:
    """Return grey as RGB, or RGB as grey by its luma (ITU-R 601, as PIL and torchvision do). Raises BlockspaceError (E-DATA)."""
    from torchvision.transforms.v2.functional import grayscale_to_rgb, rgb_to_grayscale

    if pixels.shape[1] not in (1, 3):
        raise error("E-DATA", f"images of {pixels.shape[1]} channels cannot become {channels}", help="leave `channels` out")
    converted: torch.Tensor = rgb_to_grayscale(pixels) if channels == 1 else grayscale_to_rgb(pixels)
    return converted


class FileRow(NamedTuple):
    """An image file that can be decoded: its path, and its `name` below the folder of the data.

    `content` is the hash of its bytes as they are decoded, `shows` the smallest hash of those files that show the same picture.
    """

    path: Path
    name: str
    label: int
    content: bytes
    shows: bytes


def pool_files(rows: list[FileRow], thumbnails: numpy.ndarray, decoding: Decoding, spec: DataSpec, lazy: bool) -> ImagePool:
    """Return a pool of image files: those that show the same are the same image wherever they lie."""
    files, names, labels, contents, shows = map(list, zip(*rows))
    images = LazyImages(files, decoding, spec.workers) if lazy else torch.from_numpy(scan.decode_files(files, contents, decoding))
    keys = reorder_keys(shows, spec.seed)
    own = keys if contents == shows else reorder_keys(contents, spec.seed)
    return ImagePool(images, labels, keys, own, thumbnails, names)


def pool_items(items: Any, labels: list[int], decoding: Decoding, spec: DataSpec, lazy: bool, source: Path | None = None) -> ImagePool:
    """Return a pool of the images behind `items[i]`: PIL images, arrays or tensors.

    Lazy ones are gone through once for their hashes, which are kept when the `source` they come from on the disk is known (a path of its
    own for each part: its parent's size and time of change tell when to look again).
    """
    dtype = torch.float32 if getattr(items[0], "dtype", None) not in (None, torch.uint8, numpy.dtype(numpy.uint8)) else torch.uint8
    images = LazyImages(items, decoding, spec.workers, dtype)
    if not lazy:
        pixels = images[torch.arange(len(items))]
        return ImagePool(pixels, labels, hash_contents(pixels.numpy(), spec.seed))
    return ImagePool(images, labels, hash_lazy_images(images, spec, source))


def hash_lazy_images(images: LazyImages, spec: DataSpec, source: Path | None) -> list[bytes]:
    """Return the hashes of images decoded one after the other."""
    name = f"{source}:{scan.stamp_file(str(source.parent))}:{len(images)}:{images.decoding}:{spec.seed}" if source else None
    place = scan.find_cached("keys", f"{scan.hash_listing(name)}.npy") if name else None
    kept = scan.read_keys(place, len(images)) if place else None
    if kept is not None:
        return kept
    keys = [key for chunk in torch.split(torch.arange(len(images)), CHUNK) for key in hash_contents(images[chunk].numpy(), spec.seed)]
    if place:
        scan.write_keys(place, keys)
    return keys
