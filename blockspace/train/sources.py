"""Where images come from: scikit-learn's digits, idx files, torchvision's CIFAR, folders. Each reader gives a Source."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

from blockspace.errors import error
from blockspace.train import folder
from blockspace.train.catalogue import KNOWN, DataSpec, download_root, find, missing
from blockspace.train.images import FileImages, Images, resized
from blockspace.train.partition import content_keys

IN_MEMORY = 512 * 2**20  # bytes of pixels up to which a folder's images are decoded once, at the start

CLOTHES = ("t-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@dataclass(frozen=True, eq=False)
class Pool:
    """Images `(N, C, H, W)` with their labels and the hashes of what they were before any resizing."""

    images: Images
    labels: list[int]
    keys: list[bytes]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: numpy.ndarray) -> Pool:
        """The images at these indices."""
        labels, keys = [self.labels[i] for i in indices], [self.keys[i] for i in indices]
        if isinstance(self.images, FileImages):
            paths = [self.images.paths[i] for i in indices]
            return Pool(FileImages(paths, self.images.image_shape, self.images.workers), labels, keys)
        return Pool(self.images[torch.from_numpy(indices)], labels, keys)


@dataclass(frozen=True, eq=False)
class Source:
    """What a reader found: pools by part ("train" always; val and test where they are given) and the usual sizes of parts to be cut."""

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    pools: dict[str, Pool]
    sizes: dict[str, int | None]
    by_file: bool = False  # keys are hashes of files, and stand for the pixels in the digest


def read(spec: DataSpec) -> Source:
    """The source that a spec names. Raises BlockspaceError (E-DATA) for what is missing or unreadable."""
    if spec.folder is not None:
        return read_folder(spec)
    return READERS[str(spec.name)](spec)


def named(spec: DataSpec, classes: tuple[str, ...], pools: dict[str, Pool]) -> Source:
    """A Source of the catalogue, with its usual split sizes."""
    known = KNOWN[str(spec.name)]
    shape = tuple(pools["train"].images.shape[1:])
    return Source(str(spec.name), classes, shape, pools, {"train": known.train, "val": known.val})


def pool(images: numpy.ndarray, labels: numpy.ndarray, spec: DataSpec) -> Pool:
    """uint8 images `(N, C, H, W)` at the size the spec asks for."""
    pixels = torch.from_numpy(images)
    return Pool(resized(pixels, spec.size) if spec.size else pixels, labels.tolist(), content_keys(images, spec.seed))


def read_digits(spec: DataSpec) -> Source:
    """1,797 handwritten digits, 8x8 in 17 levels (scikit-learn; Alpaydin & Kaynak 1998), enlarged to 16x16 in 0..255.

    At 16x16 each pixel is a sum of sixteenths of whole levels, so the bytes are the same on every machine.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    levels = found.images.astype(numpy.float32)[:, None]
    large = resized(torch.from_numpy(levels), spec.size or KNOWN["digits"].input_shape[1])
    images = large.mul(16).round_().clamp_(0, 255).to(torch.uint8)
    keys = content_keys(levels.astype(numpy.uint8), spec.seed)
    return named(spec, tuple("0123456789"), {"train": Pool(images, found.target.tolist(), keys)})


def read_fashion_mnist(spec: DataSpec) -> Source:
    """Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images of 28x28 in four idx files, gzipped or not."""
    if find(spec) is None and spec.download:
        download("FashionMNIST", spec)
    found = find(spec)
    if found is None:
        raise missing(spec)
    place = found.parent
    pools = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = read_idx(place, f"{prefix}-images-idx3-ubyte"), read_idx(place, f"{prefix}-labels-idx1-ubyte")
        if images.ndim != 3 or labels.shape != (len(images),):
            raise error("E-DATA", f"{place}: {prefix} has images of shape {images.shape} and labels of shape {labels.shape}")
        pools[part] = pool(images[:, None], labels, spec)
    return named(spec, CLOTHES, pools)


def idx_file(place: Path, name: str) -> Path | None:
    """The file, plain or gzipped."""
    return next((path for path in (place / name, place / f"{name}.gz") if path.is_file()), None)


def read_idx(place: Path, name: str) -> numpy.ndarray:
    """An idx file of unsigned bytes: magic 0x000008NN with NN dimensions, each a big-endian uint32, then the values."""
    path = idx_file(place, name)
    if path is None:
        raise error("E-DATA", f"{place / name} is missing", help="the data set has four files; copy them all")
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read()
        dimensions = content[3] if content[:3] == b"\x00\x00\x08" else 0
        shape = tuple(numpy.frombuffer(content, ">u4", dimensions, 4).tolist())
        return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape).copy()
    except (OSError, EOFError, IndexError, ValueError) as reason:
        raise error("E-DATA", f"{path} is not a whole idx file: {reason}", help="fetch it again") from reason


def read_cifar(spec: DataSpec) -> Source:
    """CIFAR-10 or CIFAR-100 (Krizhevsky 2009) through torchvision: 50,000 + 10,000 colour images of 32x32."""
    kind = str(spec.name).upper()
    if find(spec) is None and spec.download:
        download(kind, spec)
    found = find(spec)
    if found is None:
        raise missing(spec)
    halves = cifar(kind, found.parent)
    pools = {}
    for part, half in zip(("train", "test"), halves, strict=True):
        pools[part] = pool(numpy.ascontiguousarray(half.data.transpose(0, 3, 1, 2)), numpy.array(half.targets), spec)
    return named(spec, tuple(halves[0].classes), pools)


def cifar(kind: str, root: Path):
    """torchvision's train and test sets below `root`; it compares MD5 sums. Raises BlockspaceError (E-DATA) where they do not hold."""
    import torchvision

    try:
        return [getattr(torchvision.datasets, kind)(str(root), train=train) for train in (True, False)]
    except (RuntimeError, OSError) as reason:
        raise error("E-DATA", f"{kind} in {root} is not whole: {reason}", help="fetch it again") from reason


def download(kind: str, spec: DataSpec) -> None:
    """Fetch a data set with torchvision; only ever called on `download: true`. Raises BlockspaceError (E-DATA)."""
    import torchvision

    root = download_root(spec)
    try:
        getattr(torchvision.datasets, kind)(str(root), download=True)
    except Exception as reason:  # whatever the network, the server or the disk came up with
        raise error("E-DATA", f"{spec.name} could not be downloaded to {root}: {reason}") from reason


def read_folder(spec: DataSpec) -> Source:
    """Images in class folders: decoded now when they fit into `IN_MEMORY`, else opened and checked now and decoded when used."""
    found = folder.scan(str(spec.folder))
    shape = folder.shape(found, spec.size, spec.channels)
    total = sum(map(len, found.files.values())) * numpy.prod(shape, dtype=numpy.int64)
    pools = {}
    for part, files in found.files.items():
        if total <= IN_MEMORY:
            images: Images = torch.from_numpy(folder.decode_all(files, shape))
        else:
            folder.check_readable(files)
            images = FileImages(files, shape, spec.workers)
        keys = [folder.file_key(path, spec.seed) for path in files]
        pools["train" if part == "all" else part] = Pool(images, found.labels[part], keys)
    count = len(pools["train"])
    return Source(found.root.name, found.classes, shape, pools, {"val": max(1, count // 10), "test": max(1, count // 5)}, by_file=True)


READERS = {"digits": read_digits, "fashion_mnist": read_fashion_mnist, "cifar10": read_cifar, "cifar100": read_cifar}
