"""The contact sheet of a data set: what a network will see of each class, before and after augmentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockspace.data import DataSpec, Preflight
from blockspace.drawing import SheetRow, draw_contact_sheet, rasterize_svg
from blockspace.errors import error
from blockspace.files import check_replaceable, write_atomic
from blockspace.formatting import count_noun
from blockspace.inputs import expand_path
from blockspace.training import Recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from blockspace.data import Split

CLASSES = 40  # on a sheet; the others are named
IMAGES = 4  # of each class
AT_ONCE = 2**28  # values of images that are augmented in one batch
PNG = b"\x89PNG\r\n\x1a\n"


def check_sheet_path(path: str | PathLike[str]) -> Path:
    """Return the path of a sheet. Raises BlockspaceError for one that is not called `.png`, or that is a file of another kind."""
    place = expand_path(path)
    if place.suffix.lower() != ".png":
        raise error("E-TYPE", f"--sheet {str(path)!r}: a sheet is a PNG", help="--sheet classes.png")
    check_replaceable(place, PNG)
    return place


def write_contact_sheet(path: str | PathLike[str], spec: DataSpec, recipe: Recipe, look: Preflight) -> str:
    """Write the sheet of data as PNG and return what is on it, as one line. Raises BlockspaceError as `load` does, and StorageError."""
    from blockspace.data import load

    place = check_sheet_path(path)
    train = load(spec).train
    shown = look.classes[:CLASSES]
    rows = list(make_rows(train, recipe, shown, look.per_class["train"]))
    if not any(row.left for row in rows):
        raise error("E-DATA", f"{look.name}: no class has an image to show")
    rest = look.classes[CLASSES:]
    footer = f"and {count_noun(len(rest), 'more class', 'more classes')}: {', '.join(rest)}" if rest else ""
    heads = ("as decoded", f"in a batch: {describe_augmentation(recipe)}")
    svg = draw_contact_sheet(look.name, describe_sheet(look, train), heads, rows, footer)
    write_atomic(place, rasterize_svg(svg, scale=2))
    images = sum(len(row.left) for row in rows)
    return f"sheet: {place}: {count_noun(images, 'train image')} of {len(shown):,} of {count_noun(len(look.classes), 'class', 'classes')}"


def describe_sheet(look: Preflight, train: Split) -> list[str]:
    """Return the lines below the title: shape, classes and parts, the normalisation, and what was found in the data."""
    first, *notes = (line.removeprefix("data: ") for line in look.lines())
    mean, std = (", ".join(f"{value:.3g}" for value in values) for values in (train.mean, train.std))
    seen = f"a network sees (value - mean) / deviation, of mean {mean} and deviation {std}"
    return [first.removeprefix(f"{look.name}: "), seen, *notes[:3]]


def describe_augmentation(recipe: Recipe) -> str:
    """Return the augmentation and mixing of a recipe in words."""
    named = [getattr(entry, "name", entry.kind) for entry in recipe.augment]
    mixed = [name for name in ("mixup", "cutmix") if getattr(recipe, name) is not None]
    return ", ".join((*named, *mixed)) or "no augmentation"


def make_rows(train: Split, recipe: Recipe, classes: Sequence[str], counts: Sequence[int]) -> Iterator[SheetRow]:
    """Yield the row of each class: images evenly spaced over those of train, as they are and as a batch has them."""
    import torch

    chosen = [choose_images(train.labels, label) for label in range(len(classes))]
    indices = torch.cat(chosen)
    before, after = read_images(train, indices), augment_images(train, indices, recipe)
    low, high = (0.0, 255.0) if before.dtype == torch.uint8 else (float(before.min()), float(before.max()))
    start = 0
    for name, count, found in zip(classes, counts, chosen):
        part = slice(start, start + len(found))
        start += len(found)
        left, right = ([to_picture(image, low, high) for image in images[part]] for images in (before, after))
        yield SheetRow(name, count_noun(count, "train image"), left, right)


def choose_images(labels: Tensor, label: int) -> Tensor:
    """Return the indices of a few images of a class, evenly spaced."""
    import torch

    found = (labels == label).nonzero()[:, 0]
    return found[torch.linspace(0, len(found) - 1, min(IMAGES, len(found))).long()]


def read_images(train: Split, indices: Tensor) -> Tensor:
    """Return raw images `(N, C, H, W)`."""
    return train.images[indices]


def augment_images(train: Split, indices: Tensor, recipe: Recipe) -> Tensor:
    """Return the same images as batches of the recipe have them, on the scale of raw ones: float32 `(N, C, H, W)`.

    They are cut into batches of the sheet's own, so that every image is there, and mixed with others of the sheet.
    """
    import torch

    from blockspace.data import Split as Part
    from blockspace.training import Batches

    size = max(IMAGES, AT_ONCE // max(1, train.images.shape[1] * train.images.shape[2] * train.images.shape[3]))
    found = []
    for chunk in torch.split(indices, size):
        part = Part(train.images[chunk], train.labels[chunk], train.n_classes, train.mean, train.std)
        batches = Batches(part, recipe.model_copy(update={"batch": len(chunk)}), 0)
        order = torch.cat([plan.indices for plan in batches.draw_plans()])
        ((images, _),) = batches
        found.append(torch.empty_like(images).index_copy_(0, order, images))
    scale = 255.0 if train.images.dtype == torch.uint8 else 1.0
    mean, std = (scale * torch.tensor(values).view(1, -1, 1, 1) for values in (train.mean, train.std))
    return torch.cat(found) * std + mean


def to_picture(image: Tensor, low: float, high: float) -> NDArray[Any]:
    """Return an image `(C, H, W)` as uint8 `(H, W, 3)`: `low` black, `high` white; other channels than grey and RGB by their mean."""
    import torch

    if image.dtype == torch.uint8:
        pixels = image
    else:
        pixels = ((image.float() - low) * (255 / max(high - low, 1e-12))).round().clamp(0, 255).to(torch.uint8)
    if len(pixels) not in (1, 3):
        pixels = pixels.float().mean(0, keepdim=True).round().to(torch.uint8)
    return pixels.expand(3, -1, -1).permute(1, 2, 0).contiguous().numpy()
