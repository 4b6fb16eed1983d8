"""Results of a training, and how it fails. No torch here: these cross process borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy


class Diverged(Exception):
    """Raised when the loss is not finite at optimizer step `step` (from 0); the weights are of no use."""

    def __init__(self, step: int, loss: float = float("nan")):
        super().__init__(step, loss)  # plain arguments, so that it pickles
        self.step, self.loss = step, loss

    def __str__(self) -> str:
        return f"the loss was {self.loss} at step {self.step}"


class OutOfMemory(MemoryError):
    """Raised when memory runs out with `batch` images per batch; a smaller batch, or a smaller network, may fit."""

    def __init__(self, batch: int, reason: str = ""):
        super().__init__(batch, reason)  # plain arguments, so that it pickles
        self.batch, self.reason = batch, reason

    def __str__(self) -> str:
        return f"out of memory at batch {self.batch}: {self.reason}"


@dataclass(frozen=True)
class EpochResult:
    """One epoch of a training.

    Attributes:
        epoch: its number, from 0.
        train_loss: mean training loss per image.
        metrics: the task's metrics on the validation split by name with `val_` before it; empty where there was no validation.
        lr: learning rate of the last step.
        seconds: duration, validation included.
    """

    epoch: int
    train_loss: float
    metrics: Mapping[str, float]
    lr: float
    seconds: float

    def to_row(self, metrics: Sequence[str]) -> dict[str, float | None]:
        """Return the epoch as a flat row with these metrics, None for one that was not measured."""
        values = {name: self.metrics.get(name) for name in metrics}
        return {"epoch": self.epoch, "train_loss": self.train_loss, **values, "lr": self.lr, "seconds": self.seconds}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> EpochResult:
        """Return the epoch that `to_row` flattened."""
        own = {name: row[name] for name in ("epoch", "train_loss", "lr", "seconds")}
        return cls(metrics={name: value for name, value in row.items() if name not in own and value is not None}, **own)


@dataclass(frozen=True)
class FitResult:
    """A finished (or stopped) training.

    Attributes:
        history: its epochs.
        epochs: their number.
        steps: optimizer steps.
        seconds: duration of training and validation, over all resumed parts.
        resumed: epochs that were restored from a checkpoint.
        stopped: whether `should_stop` ended it early.
    """

    history: tuple[EpochResult, ...]
    epochs: int
    steps: int
    seconds: float
    resumed: int = 0
    stopped: bool = False

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last epoch's validation metrics: `val_loss`, `val_acc`; empty where there was no validation."""
        return self.history[-1].metrics if self.history else {}


@dataclass(frozen=True, eq=False)
class Scores:
    """A network's metrics on each image of a split, in the split's order.

    `values` holds an array `(N,)` by metric: for classification `acc` (bool: correct or not) and `loss` (log-loss in nats, float64).
    """

    values: Mapping[str, numpy.ndarray]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def mean(self, metric: str) -> float:
        """Return a metric's mean over the images."""
        return float(self.values[metric].mean())

    def means(self, prefix: str) -> dict[str, float]:
        """Return the mean of each metric under its name with a prefix: `test_acc`, `test_loss`."""
        return {f"{prefix}_{name}": self.mean(name) for name in sorted(self.values)}
