"""Changes: what augmentation does to a batch of raw images.

Each change is in two parts. `draw` takes everything random out of the epoch's generator, in this process; `apply` is then a function of the
images and of what was drawn. So it makes no difference which process applies it, or on how many devices the batch is spread.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from blockspace.errors import error
from blockspace.training.batches.augment import Crop, Flip, Transform

Setting = Crop | Flip | Transform
TRIES = 8  # seeds with which a transform is tried before the training


class Changes:
    """The changes of a recipe's `augment`, in its order. Raises BlockspaceError (E-TYPE) for settings that torchvision refuses."""

    def __init__(self, augment: tuple[Setting, ...] = ()):
        self.changes = [change(setting) for setting in augment]

    def draw(self, count: int, random: torch.Generator) -> list[Tensor]:
        """For each change one tensor with a row (or, of shifts, a column) per image, on the CPU."""
        return [one.draw(count, random) for one in self.changes]

    def apply(self, images: Tensor, drawn: list[Tensor]) -> Tensor:
        """Images `(B, C, H, W)` changed by what was drawn; shape, dtype and device stay."""
        for one, values in zip(self.changes, drawn, strict=True):
            images = one.apply(images, values)
        return images

    def check(self, image: Tensor) -> None:
        """Try torchvision's transforms on one image `(C, H, W)`. Raises BlockspaceError (E-TYPE)."""
        for one in self.changes:
            if isinstance(one, Each):
                one.check(image)


class Shift(NamedTuple):
    """Each image shifted by up to `padding` pixels each way, black coming in."""

    padding: int

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """`(B, 2)`: the window's place, down and right."""
        return torch.randint(0, 2 * self.padding + 1, (2, count), generator=random).T

    def apply(self, images: Tensor, places: Tensor) -> Tensor:
        p, (count, _, height, width) = self.padding, images.shape
        padded = torch.nn.functional.pad(images, (p, p, p, p))
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view: (B, C, 2p+1, 2p+1, H, W)
        y, x = places.T.to(images.device)
        return windows[torch.arange(count, device=images.device), :, y, x]


class Mirror(NamedTuple):
    """Each image mirrored left to right with probability `p`."""

    p: float

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """`(B,)`: whether."""
        return torch.rand(count, generator=random).lt(self.p)

    def apply(self, images: Tensor, chosen: Tensor) -> Tensor:
        return torch.where(chosen.to(images.device).view(-1, 1, 1, 1), images.flip(3), images)


class Each(NamedTuple):
    """A transform of torchvision's, image by image, each with a seed of its own: they draw from torch's global generators."""

    name: str
    transform: Any

    def draw(self, count: int, random: torch.Generator) -> Tensor:
        """`(B,)`: the seeds."""
        return torch.randint(2**62, (count,), generator=random)

    def apply(self, images: Tensor, seeds: Tensor) -> Tensor:
        out = torch.empty_like(images)
        with torch.random.fork_rng([images.device] if images.is_cuda else []):
            for place, seed in enumerate(seeds.tolist()):
                torch.manual_seed(seed)
                out[place] = self.transform(images[place])
        return out

    def check(self, image: Tensor) -> None:
        """Some draws on one image keep its shape and dtype. Raises BlockspaceError (E-TYPE)."""
        with torch.random.fork_rng([image.device] if image.is_cuda else []):
            for seed in range(TRIES):
                torch.manual_seed(seed)
                try:
                    found = self.transform(image)
                except Exception as reason:  # whatever torchvision came up with
                    raise refused(self.name, reason) from None
                if (found.shape, found.dtype) != (image.shape, image.dtype):
                    was, got = (f"{tuple(one.shape)} {one.dtype}" for one in (image, found))
                    help = "an augmentation keeps the shape; `data: {size: ...}` resizes"
                    raise error("E-TYPE", f"train.augment: {self.name} makes {got} of {was}", help=help)


def change(setting: Setting) -> Shift | Mirror | Each:
    """What a recipe's entry does."""
    if isinstance(setting, Crop):
        return Shift(setting.padding)
    if isinstance(setting, Flip):
        return Mirror(setting.p)
    return Each(setting.name, built(setting))


def built(setting: Transform) -> Any:
    """torchvision's object. Raises BlockspaceError (E-TYPE) with torchvision's reason."""
    from torchvision.transforms import v2

    from blockspace.training.batches.transforms import signatures

    words = {"interpolation": v2.InterpolationMode, "policy": v2.AutoAugmentPolicy}
    try:
        settings = {key: words[key](value) if key in words and isinstance(value, str) else value for key, value in setting.settings.items()}
        return getattr(v2, signatures()[setting.name].cls)(**settings)
    except Exception as reason:
        raise refused(setting.name, reason) from None


def refused(name: str, reason: Exception) -> Exception:
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    return error("E-TYPE", f"train.augment: {name}: {lines[0]}", help=f"see torchvision.transforms.v2 for what {name} takes")
