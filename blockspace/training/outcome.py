"""What a training gives back. No torch here: these cross process borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy


class Diverged(Exception):
    """The loss was not finite at optimizer step `step` (from 0); the weights are of no use."""

    def __init__(self, step: int, loss: float = float("nan")):
        super().__init__(step, loss)  # plain arguments, so that it pickles
        self.step, self.loss = step, loss

    def __str__(self) -> str:
        return f"the loss was {self.loss} at step {self.step}"


class OutOfMemory(MemoryError):
    """Memory ran out in a training with `batch` images per batch; a smaller batch, or a smaller network, may fit."""

    def __init__(self, batch: int, reason: str = ""):
        super().__init__(batch, reason)  # plain arguments, so that it pickles
        self.batch, self.reason = batch, reason

    def __str__(self) -> str:
        return f"out of memory at batch {self.batch}: {self.reason}"


@dataclass(frozen=True)
class Epoch:
    """One epoch: mean losses per image (nats), accuracy in 0..1, learning rate of its last step, seconds. None: not evaluated."""

    epoch: int
    train_loss: float
    val_loss: float | None
    val_acc: float | None
    lr: float
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """A finished (or stopped) training.

    `val_acc` and `val_loss` are the last epoch's; `seconds` is training with its evaluation, over all resumed parts; `resumed` is how many
    epochs were restored from a checkpoint; `stopped` says that `should_stop` ended it early.
    """

    history: tuple[Epoch, ...]
    epochs: int
    steps: int
    seconds: float
    resumed: int = 0
    stopped: bool = False

    @property
    def val_acc(self) -> float | None:
        return self.history[-1].val_acc if self.history else None

    @property
    def val_loss(self) -> float | None:
        return self.history[-1].val_loss if self.history else None


@dataclass(frozen=True, eq=False)
class Scores:
    """A network's result on each image of a split, in the split's order: right or wrong (bool), and log-loss in nats (float64)."""

    correct: numpy.ndarray
    log_loss: numpy.ndarray

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def mean_log_loss(self) -> float:
        return float(self.log_loss.mean())
