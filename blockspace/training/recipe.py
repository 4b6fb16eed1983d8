"""Recipe: how a network is trained; the `train:` section of a study. No torch here.

Numbers are per training: epochs, images in a batch, learning rate at the peak of the schedule. `steps` below are optimizer steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator

from blockspace.errors import Mark
from blockspace.options import AS_COUNT, AS_PLAIN, AS_SHARE, BY_KIND, UNFOLDED, Choice, Options, Path, refuse, suggest_key, validate
from blockspace.training.batches.augmentation import Augment
from blockspace.training.schedules import Constant, Cosine, OneCycle, Share

Positive = Annotated[float, Field(gt=0, le=1e9), AS_PLAIN]
Decay = Annotated[float, Field(ge=0, le=1e3), AS_PLAIN]
Beta = Annotated[float, Field(ge=0, lt=1), AS_PLAIN]
Device = Annotated[int, Field(ge=0, le=4096), AS_PLAIN]


class Sgd(Choice):
    """torch.optim.SGD; the defaults are the usual ones of small residual networks on CIFAR."""

    kind: Literal["sgd"] = "sgd"
    lr: Annotated[Positive, Field(description="learning rate at the schedule's peak")] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1), AS_PLAIN] = 0.9
    nesterov: Annotated[bool, Field(description="Nesterov's momentum")] = True
    weight_decay: Annotated[Decay, Field(description="L2 penalty, torch's convention")] = 5e-4

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Sgd:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0: set momentum, or nesterov: false")
        return self


class AdamW(Choice):
    """torch.optim.AdamW, with timm's weight decay."""

    kind: Literal["adamw"] = "adamw"
    lr: Annotated[Positive, Field(description="learning rate at the schedule's peak")] = 1e-3
    beta1: Annotated[Beta, Field(description="decay of the mean of gradients")] = 0.9
    beta2: Annotated[Beta, Field(description="decay of the mean of their squares")] = 0.999
    weight_decay: Annotated[Decay, Field(description="decoupled, times the learning rate")] = 0.05


class Mixup(Options):
    """Batches of pairs of images, weighted (Zhang et al. 2018; torchvision.transforms.v2.MixUp).

    The training loss is that of the mixed labels; validation and test images are never mixed."""

    alpha: Annotated[Positive, Field(description="the weights are drawn from Beta(alpha, alpha)")] = 0.2
    p: Annotated[Share | None, Field(description="share of the batches; unset: all, or with `cutmix` too what that leaves, or half")] = None


class Cutmix(Options):
    """Batches of images with a box out of another one (Yun et al. 2019; torchvision.transforms.v2.CutMix)."""

    alpha: Annotated[Positive, Field(description="the boxes' areas are drawn from Beta(alpha, alpha)")] = 1.0
    p: Annotated[Share | None, Field(description="share of the batches; unset: all, or with `mixup` too what that leaves, or half")] = None


class Ema(Options):
    """An exponential moving average of the weights and of batch norm's statistics, updated after each optimizer step
    (torch.optim.swa_utils.AveragedModel). The average is what is evaluated, scored and exported."""

    decay: Annotated[float, Field(gt=0, lt=1, description="weight of the old average in each update"), AS_SHARE] = 0.999
    warmup: Annotated[
        bool, Field(description="decay at most (1 + n) / (10 + n) in update n, so that short trainings forget their start")
    ] = True

    def at(self, update: int) -> float:
        """Return the decay of update `update`, from 1 (update 0 copies)."""
        return min(self.decay, (1 + update) / (10 + update)) if self.warmup else self.decay


class SwitchSchema:
    """The JSON Schema of a section that `true` or `false` may stand for."""

    @staticmethod
    def __get_pydantic_json_schema__(core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, handler(core)]}


def expand_switch(value: Any) -> Any:
    """Return a section with its defaults for `true`, none for `false`."""
    return {} if value is True else None if value is False else value


def read_devices(value: Any) -> Any:
    """Return a number of devices, a list of their numbers, or auto. Raises what `validated` reports as E-TYPE."""
    listed = isinstance(value, list) and value and all(type(one) is int and one >= 0 for one in value)
    if not (listed or value == "auto" or (type(value) is int and 1 <= value <= 4096)):
        help = "write devices: 2, devices: [0, 1] or devices: auto"
        raise refuse("E-TYPE", f"should be how many, a list of their numbers, or auto; got {value!r}", help)
    return value


def read_compile(value: Any) -> Any:
    """Return whether to compile, or a mode of torch.compile's. Raises what `validated` reports as E-TYPE."""
    if not isinstance(value, bool) and value not in MODES:
        raise refuse("E-TYPE", f"should be true, false, or a mode of torch.compile's; got {value!r}", suggest_key(str(value), list(MODES)))
    return value


Optimizer = Annotated[Sgd | AdamW, BY_KIND, UNFOLDED]
Schedule = Annotated[Cosine | OneCycle | Constant, BY_KIND, UNFOLDED]
Switch = BeforeValidator(expand_switch)
Mode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]
MODES = get_args(Mode)
RUNNING = {"loader", "workers", "on_oom"}  # how it is run, not what is computed


class Recipe(Options):
    """Everything of a training but the network, the data and the seed."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000, description="passes over the training images"), AS_COUNT] = 8
    # batch norm on a handful of images does harm, so the rest is dropped
    batch: Annotated[
        int,
        Field(ge=1, le=65_536, description="images per batch, over all devices; the last, smaller batch of an epoch is left out"),
        AS_COUNT,
    ] = 64
    accumulate: Annotated[
        int,
        Field(ge=1, le=65_536, description="batches whose gradients are averaged into one optimizer step; batch norm still sees one batch"),
        AS_COUNT,
    ] = 1
    optimizer: Annotated[Optimizer, Field(description="sgd or adamw, with settings")] = Sgd()
    schedule: Annotated[Schedule, Field(description="the learning rate's factor, optimizer step by optimizer step")] = Cosine()
    augment: Annotated[
        Augment, Field(description="changes to training images, in this order: crop, flip, or any image transform of torchvision's by name")
    ] = ()
    mixup: Annotated[Mixup | None, Switch, SwitchSchema, Field(description="train on weighted pairs of images")] = None
    cutmix: Annotated[Cutmix | None, Switch, SwitchSchema, Field(description="train on images with a box out of another one")] = None
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="share of each label that is spread over all classes"), AS_SHARE
    ] = 0
    ema: Annotated[Ema | None, Switch, SwitchSchema, Field(description="evaluate and keep a moving average of the weights")] = None
    clip_norm: Annotated[Positive | None, Field(description="largest norm of all gradients together; a larger one is scaled down")] = None
    precision: Annotated[
        Literal["32-true", "bf16-mixed", "16-mixed"],
        Field(description="Lightning's words; weights are float32 in all; 16-mixed scales the loss and needs a GPU"),
    ] = "32-true"
    # 1.4x on a small residual net on one core, and never slower where it was measured
    channels_last: Annotated[bool, Field(description="NHWC in memory")] = True
    compile: Annotated[
        bool | Mode,
        BeforeValidator(read_compile),
        Field(description="torch.compile, or its mode; takes tens of seconds at the start of each training"),
    ] = False
    decay_norm_and_bias: Annotated[
        bool,
        Field(description="weight decay also on biases and normalisation (1-d parameters): timm leaves them out, torchvision does not"),
    ] = False
    init: Annotated[
        str | None, Field(description="policy by which the network's weights are drawn; unset: as the network's own file says")
    ] = None
    accelerator: Annotated[Literal["auto", "cpu", "gpu", "cuda", "mps"], Field(description="where; auto: a GPU when there is one")] = "auto"
    devices: Annotated[
        Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] | list[Device],
        BeforeValidator(read_devices),
        Field(description="how many devices, their numbers, or auto for all"),
        AS_COUNT,
    ] = 1
    strategy: Annotated[
        Literal["auto", "ddp", "ddp_fork", "ddp_spawn"],
        Field(description="how several devices share a batch; auto: ddp where there are several; ddp: by fork on CPUs, by spawn on GPUs"),
    ] = "auto"
    loader: Annotated[
        Literal["auto", "memory", "workers"],
        Field(description="where batches are made: in this process from memory, or by a DataLoader; auto: by the data's size"),
    ] = "auto"
    workers: Annotated[
        int | None,
        Field(ge=0, le=256, description="processes of the DataLoader; unset: the data's `workers`, or one less than threads"),
        AS_COUNT,
    ] = None
    on_oom: Annotated[
        Literal["fail", "half_batch"],
        Field(description="a trial that runs out of memory fails, or is tried once more with half the batch (recorded: not comparable)"),
    ] = "fail"

    @model_validator(mode="after")
    def _shares_of_batches(self) -> Recipe:
        if sum(self.mixing()) > 1:
            help = "a batch is mixed in one way: at most 1 together"
            raise refuse("E-TYPE", f"mixup.p and cutmix.p add up to {sum(self.mixing()):g}", help)
        return self

    @model_validator(mode="after")
    def _half_precision_has_a_device(self) -> Recipe:
        if self.precision == "16-mixed" and self.accelerator == "cpu":
            raise refuse("E-TYPE", "precision 16-mixed needs a GPU, and accelerator is cpu", "on a CPU use bf16-mixed")
        return self

    def mixing(self) -> tuple[float, float]:
        """Return the shares of batches that mixup mixes, and that cutmix mixes."""
        own, other = (None if one is None else one.p for one in (self.mixup, self.cutmix))
        both = self.mixup is not None and self.cutmix is not None
        return resolve_share(self.mixup, own, other, both), resolve_share(self.cutmix, other, own, both)

    def lr(self, step: int, steps: int, per_epoch: int) -> float:
        """Return the learning rate of step `step` (from 0) out of `steps`, with `per_epoch` steps in an epoch."""
        return self.optimizer.lr * self.schedule.factor(step, steps, per_epoch)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as it would be written in YAML, every default spelled out; `read_recipe` restores it."""
        return self.model_dump(mode="json")

    def computed(self) -> dict[str, Any]:
        """Return the settings that decide what is computed: two recipes that differ in others give the same weights."""
        return self.model_dump(mode="json", exclude=RUNNING)


def resolve_share(section: Options | None, own: float | None, other: float | None, both: bool) -> float:
    """Return a section's share of the batches: the given one, else what the other leaves, else all of them, or half."""
    if section is None:
        return 0.0
    if own is not None:
        return own
    return 1.0 if not both else 0.5 if other is None else 1 - other


def read_recipe(values: dict[str, Any] | None, mark_of: Callable[[Path], Mark | None] | None = None) -> Recipe:
    """Return the `train:` section as a Recipe; `mark_of` gives the place in the file for a path of keys.

    Raises BlockspaceError: E-KEY, E-TYPE, all mistakes of the section at once.
    """
    return validate(Recipe, values if values is not None else {}, "train", mark_of)
