"""Types of the keyword arguments of `search` and `train`, made from the options they set; do not edit.

Written by `python -m blockspace.study.make_keywords`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, TypedDict


class SgdKeywords(TypedDict, total=False):
    """Settings of `sgd`."""

    lr: float
    momentum: float
    nesterov: bool
    weight_decay: float


class SgdChoice(TypedDict):
    """`sgd` with settings."""

    sgd: SgdKeywords


class AdamWKeywords(TypedDict, total=False):
    """Settings of `adamw`."""

    lr: float
    beta1: float
    beta2: float
    weight_decay: float


class AdamWChoice(TypedDict):
    """`adamw` with settings."""

    adamw: AdamWKeywords


class CosineKeywords(TypedDict, total=False):
    """Settings of `cosine`."""

    warmup: float | str
    floor: float | str


class CosineChoice(TypedDict):
    """`cosine` with settings."""

    cosine: CosineKeywords


class OneCycleKeywords(TypedDict, total=False):
    """Settings of `one_cycle`."""

    rise: float | str


class OneCycleChoice(TypedDict):
    """`one_cycle` with settings."""

    one_cycle: OneCycleKeywords


class ConstantKeywords(TypedDict, total=False):
    """Settings of `constant`."""

    warmup: float | str


class ConstantChoice(TypedDict):
    """`constant` with settings."""

    constant: ConstantKeywords


class MixupKeywords(TypedDict, total=False):
    """Settings of `Mixup`."""

    alpha: float
    p: float | None


class CutmixKeywords(TypedDict, total=False):
    """Settings of `Cutmix`."""

    alpha: float
    p: float | None


class EmaKeywords(TypedDict, total=False):
    """Settings of `Ema`."""

    decay: float | str
    warmup: bool


class RecipeKeywords(TypedDict, total=False):
    """Settings of `Recipe`."""

    epochs: int | str
    batch: int | str
    accumulate: int | str
    optimizer: Literal["sgd"] | SgdChoice | Literal["adamw"] | AdamWChoice
    schedule: Literal["cosine"] | CosineChoice | Literal["one_cycle"] | OneCycleChoice | Literal["constant"] | ConstantChoice
    augment: Sequence[str | Mapping[str, object]]
    mixup: bool | MixupKeywords | None
    cutmix: bool | CutmixKeywords | None
    label_smoothing: float | str
    ema: bool | EmaKeywords | None
    clip_norm: float | None
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    channels_last: bool
    compile: bool | Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]
    decay_norm_and_bias: bool
    init: str | None
    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: int | Literal["auto"] | Sequence[int] | str
    strategy: Literal["auto", "ddp", "ddp_fork", "ddp_spawn"]
    loader: Literal["auto", "memory", "workers"]
    workers: int | None | str
    on_oom: Literal["fail", "half_batch"]


class CostWindowKeywords(TypedDict, total=False):
    """Settings of `CostWindow`."""

    low: float | int | str | None
    high: float | int | str | None


class ByteWindowKeywords(TypedDict, total=False):
    """Settings of `ByteWindow`."""

    low: float | int | str | None
    high: float | int | str | None


class LatencyWindowKeywords(TypedDict, total=False):
    """Settings of `LatencyWindow`."""

    low: float | int | str | None
    high: float | int | str | None
    runtime: str
    threads: int | str
    batch: int | str


class BudgetsKeywords(TypedDict, total=False):
    """Settings of `Budgets`."""

    params: CostWindowKeywords | None
    macs: CostWindowKeywords | None
    acts: CostWindowKeywords | None
    bytes: ByteWindowKeywords | None
    peak_memory: ByteWindowKeywords | None
    receptive_field: CostWindowKeywords | None
    latency: LatencyWindowKeywords | None


class FailureLimitsKeywords(TypedDict, total=False):
    """Settings of `FailureLimits`."""

    first: int | str
    share: float | str
    after: int | str


class SearchSectionKeywords(TypedDict, total=False):
    """Settings of `SearchOptions`."""

    sampler: Literal["tpe", "nsga2", "random", "grid", "gp"]
    trials: int | str
    repeats: int | str
    workers: Literal["auto"] | int | str
    seed: int | str
    per_choice: Mapping[str, Literal["equal"]]
    timeout: float | None | str
    stall_s: float | None | str
    proposals: int | str
    seeds: Sequence[Mapping[str, str | int | float | bool]] | Mapping[str, Mapping[str, str | int | float | bool]]
    failures: FailureLimitsKeywords


class TuneKeywords(TypedDict, total=False):
    """Settings of `TuneOptions`."""

    grid: Mapping[str, Sequence[object]]
    recipes: Sequence[Mapping[str, object]]
    per: Literal["study", "family"]
    seeds: int | str


class FinalistKeywords(TypedDict, total=False):
    """Settings of `FinalistOptions`."""

    take: int | str
    per: str | None
    epochs: int | None | str
    seeds: int | str
    random: int | str


class CompareKeywords(TypedDict, total=False):
    """Settings of `CompareOptions`."""

    by: str | None
    against: Literal["baseline"] | None
    cheaper: str | None
    margin: str


class SearchKeywords(TypedDict, total=False):
    """Keyword arguments of `search`: the top-level keys of a study file, and the keys of its `search:` section by themselves."""

    study: str
    doc: str
    space: str | PathLike[str]
    data: str | PathLike[str] | Mapping[str, object]
    baseline: Mapping[str, str | int | float | bool]
    budget: BudgetsKeywords
    objectives: Sequence[Mapping[Literal["maximize", "minimize"], str]]
    search: SearchSectionKeywords
    train: RecipeKeywords
    tune: TuneKeywords | None
    finalists: FinalistKeywords
    compare: CompareKeywords | None
    out: str | PathLike[str] | None
    sampler: Literal["tpe", "nsga2", "random", "grid", "gp"]
    trials: int | str
    repeats: int | str
    workers: Literal["auto"] | int | str
    seed: int | str
    per_choice: Mapping[str, Literal["equal"]]
    timeout: float | None | str
    stall_s: float | None | str
    proposals: int | str
    seeds: Sequence[Mapping[str, str | int | float | bool]] | Mapping[str, Mapping[str, str | int | float | bool]]
    failures: FailureLimitsKeywords
