"""Recipe: how a network is trained; the `train:` section of a study. No torch here.

Numbers are per training: epochs, images in a batch, learning rate at the peak of the schedule. `steps` below are optimizer steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from blockspace.errors import Mark
from blockspace.options import Choice, Options, Path, one_of, validated

Positive = Annotated[float, Field(gt=0, le=1e9)]
Share = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, le=1e3)]


class Sgd(Choice):
    """torch.optim.SGD; the defaults are the usual ones of small residual networks on CIFAR."""

    kind: Literal["sgd"] = "sgd"
    lr: Positive = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    nesterov: bool = True
    weight_decay: Decay = 5e-4

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Sgd:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0: set momentum, or nesterov: false")
        return self


class AdamW(Choice):
    """torch.optim.AdamW, with timm's weight decay."""

    kind: Literal["adamw"] = "adamw"
    lr: Positive = 1e-3
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    weight_decay: Decay = 0.05


class Cosine(Choice):
    """Half a cosine from the peak to `floor` times the peak, after `warmup` epochs of linear rise."""

    kind: Literal["cosine"] = "cosine"
    warmup: Annotated[float, Field(ge=0, le=1e6)] = 0
    floor: Share = 0

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        rise = self.warmup * per_epoch
        if step < rise:
            return (step + 1) / (rise + 1)
        done = (step - rise) / max(1, steps - rise)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))


class OneCycle(Choice):
    """A cosine rise from 1/25 of the peak over the first `rise` of all steps, then a cosine fall to 1/250,000 (Smith & Topin 2018, torch's
    OneCycleLR); momentum stays as it is."""

    kind: Literal["one_cycle"] = "one_cycle"
    rise: Annotated[float, Field(gt=0, lt=1)] = 0.3

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        low, last = 1 / 25, 1 / 250_000
        peak = self.rise * steps
        if step < peak:
            return low + (1 - low) * 0.5 * (1 - math.cos(math.pi * step / peak))
        return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * (step - peak) / max(1, steps - peak)))


class Constant(Choice):
    """The same rate throughout, after `warmup` epochs of linear rise."""

    kind: Literal["constant"] = "constant"
    warmup: Annotated[float, Field(ge=0, le=1e6)] = 0

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        rise = self.warmup * per_epoch
        return (step + 1) / (rise + 1) if step < rise else 1.0


class Crop(Choice):
    """A random window of the image's own size out of the image with `padding` black pixels on each side."""

    kind: Literal["crop"] = "crop"
    padding: Annotated[int, Field(ge=1, le=1024)] = 2


class Flip(Choice):
    """A mirror image, left to right, with probability `p`. Not for digits or letters."""

    kind: Literal["flip"] = "flip"
    p: Share = 0.5


def as_tuple(value: Any) -> Any:
    """A YAML list as a tuple, so that the recipe is immutable."""
    return tuple(value) if isinstance(value, list) else value


Optimizer = one_of(Sgd | AdamW)
Schedule = one_of(Cosine | OneCycle | Constant)
Augment = one_of(Crop | Flip)


class Recipe(Options):
    """Everything of a training but the network, the data and the seed."""

    # passes over the training images
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 8
    # images per step; the last, smaller batch of an epoch is left out (batch norm on a handful of images does harm)
    batch: Annotated[int, Field(ge=1, le=65_536)] = 64
    optimizer: Optimizer = Sgd()
    # the learning rate's factor, step by step
    schedule: Schedule = Cosine()
    augment: Annotated[tuple[Augment, ...], BeforeValidator(as_tuple)] = ()
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0
    # Lightning's words; weights are float32 in both
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    # NHWC in memory; 1.4x on a small residual net on one core, and never slower where it was measured
    channels_last: bool = True
    # weight decay also on biases and normalisation (all 1-d parameters); timm leaves them out, torchvision's references do not
    decay_norm_and_bias: bool = False
    # the policy by which whoever compiles the network draws its weights; None: as the network's own file says
    init: str | None = None
    # where: a GPU when there is one
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"

    def lr(self, step: int, steps: int, per_epoch: int) -> float:
        """Learning rate of step `step` (from 0) out of `steps`, with `per_epoch` steps in an epoch."""
        return self.optimizer.lr * self.schedule.factor(step, steps, per_epoch)

    def as_dict(self) -> dict:
        """The recipe as it would be written in YAML, every default spelled out; `read_recipe` restores it."""
        return self.model_dump(mode="json")


def read_recipe(values: dict | None, mark_of: Callable[[Path], Mark | None] | None = None) -> Recipe:
    """The `train:` section as a Recipe; `mark_of` gives the place in the file for a path of keys.

    Raises BlockspaceError: E-KEY, E-TYPE, all mistakes of the section at once.
    """
    return validated(Recipe, values if values is not None else {}, "train", mark_of)
