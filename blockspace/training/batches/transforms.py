"""Augmentation and mixing of batches of images.

Each transform has two parts. `draw` takes everything random out of the epoch's generator, in this process; `apply` is then a function of
the images and of what was drawn. So it makes no difference which process applies it, or on how many devices the batch is spread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from blockspace.errors import BlockspaceError, error
from blockspace.training.batches.augmentation import Crop, Flip, Transform, read_signatures
from blockspace.training.recipe import Recipe

Setting = Crop | Flip | Transform
TRIES = 8  # seeds with which a transform is tried before the training


class BatchTransform(Protocol):
    """A random change of a batch of raw images."""

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Return what is random for `count` images, a row each, on the CPU."""
        ...

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Return images `(B, C, H, W)` changed by what was drawn; shape, dtype and device stay."""
        ...


class BatchTransforms:
    """The transforms of a recipe's `augment`, in its order. Raises BlockspaceError (E-TYPE) for settings that torchvision refuses."""

    def __init__(self, augment: tuple[Setting, ...] = ()):
        self.transforms = [make_transform(setting) for setting in augment]

    def draw(self, count: int, random: torch.Generator) -> list[Tensor]:
        """Return for each transform what is random, a tensor with a row per image, on the CPU."""
        return [transform.draw(count, random) for transform in self.transforms]

    def apply(self, images: Tensor, drawn: list[Tensor]) -> Tensor:
        """Return images `(B, C, H, W)` changed by what was drawn; shape, dtype and device stay."""
        for transform, values in zip(self.transforms, drawn, strict=True):
            images = transform.apply(images, values)
        return images

    def check(self, image: Tensor) -> None:
        """Try torchvision's transforms on one image `(C, H, W)`. Raises BlockspaceError (E-TYPE)."""
        for transform in self.transforms:
            if isinstance(transform, PerImageTransform):
                transform.check(image)


class RandomShift(NamedTuple):
    """Shift each image by up to `padding` pixels each way, black coming in."""

    padding: int

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Return the windows' places, down and right, `(B, 2)`."""
        return torch.randint(0, 2 * self.padding + 1, (2, count), generator=random).T

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Return the shifted images `(B, C, H, W)`."""
        p, (count, _, height, width) = self.padding, images.shape
        padded = torch.nn.functional.pad(images, (p, p, p, p))
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (B, C, 2p+1, 2p+1, H, W)
        y, x = drawn.T.to(images.device)
        return windows[torch.arange(count, device=images.device), :, y, x]


class RandomMirror(NamedTuple):
    """Mirror each image left to right with probability `p`."""

    p: float

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Return whether each image is mirrored, `(B,)`."""
        return torch.rand(count, generator=random).lt(self.p)

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Return the images `(B, C, H, W)`, some mirrored."""
        return torch.where(drawn.to(images.device).view(-1, 1, 1, 1), images.flip(3), images)


class PerImageTransform(NamedTuple):
    """Apply a transform of torchvision's image by image, each with a seed of its own: they draw from torch's global generators."""

    name: str
    transform: Callable[[Tensor], Tensor]

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """Return the seeds, `(B,)`."""
        return torch.randint(2**62, (count,), generator=random)

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Return the transformed images `(B, C, H, W)`."""
        out = torch.empty_like(images)
        with torch.random.fork_rng([images.device] if images.is_cuda else []):
            for place, seed in enumerate(drawn.tolist()):
                torch.manual_seed(seed)
                out[place] = self.transform(images[place])
        return out

    def check(self, image: Tensor) -> None:
        """Try some draws on one image `(C, H, W)`, whose shape and dtype they must keep. Raises BlockspaceError (E-TYPE)."""
        with torch.random.fork_rng([image.device] if image.is_cuda else []):
            for seed in range(TRIES):
                torch.manual_seed(seed)
                try:
                    found = self.transform(image)
                except Exception as reason:  # whatever torchvision came up with
                    raise make_transform_error(self.name, reason) from None
                if (found.shape, found.dtype) != (image.shape, image.dtype):
                    was, got = (f"{tuple(one.shape)} {one.dtype}" for one in (image, found))
                    help = "an augmentation keeps the shape; `data: {size: ...}` resizes"
                    raise error("E-TYPE", f"train.augment: {self.name} makes {got} of {was}", help=help)


def make_transform(setting: Setting) -> RandomShift | RandomMirror | PerImageTransform:
    """Return the transform of a recipe's entry. Raises BlockspaceError (E-TYPE)."""
    if isinstance(setting, Crop):
        return RandomShift(setting.padding)
    if isinstance(setting, Flip):
        return RandomMirror(setting.p)
    return PerImageTransform(setting.name, make_torchvision_transform(setting))


def make_torchvision_transform(setting: Transform) -> Callable[[Tensor], Tensor]:
    """Return torchvision's object. Raises BlockspaceError (E-TYPE) with torchvision's reason."""
    from torchvision.transforms import v2

    words: dict[str, Any] = {"interpolation": v2.InterpolationMode, "policy": v2.AutoAugmentPolicy}
    try:
        settings = {key: words[key](value) if key in words and isinstance(value, str) else value for key, value in setting.settings.items()}
        transform: Callable[[Tensor], Tensor] = getattr(v2, read_signatures()[setting.name].cls)(**settings)
    except Exception as reason:
        raise make_transform_error(setting.name, reason) from None
    return transform


def make_transform_error(name: str, reason: Exception) -> BlockspaceError:
    """Return the error (E-TYPE) for what torchvision raised."""
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return error("E-TYPE", f"train.augment: {name}: {lines[0]}", help=f"see torchvision.transforms.v2 for what {name} takes")


class BatchMixing:
    """Mix batches by a recipe's `mixup` and `cutmix`, each batch in one of these ways or in none, by torchvision's MixUp and CutMix."""

    def __init__(self, recipe: Recipe, classes: int):
        self.ways: list[tuple[float, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]]] = []
        for name, section, share in zip(("MixUp", "CutMix"), (recipe.mixup, recipe.cutmix), recipe.mixing(), strict=True):
            if section is not None and share > 0:
                from torchvision.transforms import v2

                self.ways.append((share, getattr(v2, name)(alpha=section.alpha, num_classes=classes)))

    def draw(self, random: torch.Generator) -> tuple[int, int] | None:
        """Return which way and its seed, or None; nothing is drawn where nothing is mixed."""
        if not self.ways:
            return None
        place, seed = float(torch.rand((), generator=random)), int(torch.randint(2**62, (), generator=random))
        for way, (share, _) in enumerate(self.ways):
            if place < share:
                return way, seed
            place -= share
        return None

    def apply(self, images: Tensor, labels: Tensor, drawn: tuple[int, int] | None) -> tuple[Tensor, Tensor]:
        """Return images `(B, C, H, W)` and labels: as they are, or mixed, with labels `(B, classes)` that add up to one."""
        if drawn is None:
            return images, labels
        way, seed = drawn
        with torch.random.fork_rng([images.device] if images.is_cuda else []):
            torch.manual_seed(seed)
            return self.ways[way][1](images, labels)
