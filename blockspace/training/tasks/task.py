"""The protocol of a task: what a training minimises, what the outputs say, and what is measured on validation and test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from blockspace.quantities import Quantity, register_quantity

if TYPE_CHECKING:
    import numpy
    from torch import Tensor

    from blockspace.data import Split
    from blockspace.training.recipe import Recipe

TASKS: dict[str, Task] = {}
DEFAULT_TASK = "classify"


class Task(Protocol):
    """Loss, predictions and metrics of a training. An instance has no state; `register_task` adds it to `TASKS`.

    Below, `outputs` are what the network returns for a batch of images `(B, C, H, W)`, `(B, classes)` for a classifier, and `targets` are
    the batch's entries of `Split.labels`.

    Attributes:
        name: the task's name in `TASKS`.
        metrics: the quantities that `summarize` returns, in the order of the columns of metrics.csv. Each is registered twice, with the
            prefixes `val_` and `test_`.
        sums: the names of the sums that `measure` returns.
        main_metric: the metric that progress shows and that a search without other objectives optimises.
    """

    @property
    def name(self) -> str:
        """The name by which a study selects the task."""
        ...

    @property
    def metrics(self) -> tuple[Quantity, ...]:
        """The quantities that `summarize` returns."""
        ...

    @property
    def sums(self) -> tuple[str, ...]:
        """The names of the sums that `measure` returns."""
        ...

    @property
    def main_metric(self) -> str:
        """The metric that progress shows and that a search optimises by default."""
        ...

    def check_outputs(self, outputs: Tensor, split: Split) -> None:
        """Check the shape of a network's outputs against a data set. Raises BlockspaceError (E-LABEL)."""
        ...

    def loss(self, outputs: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
        """Return the training loss of a batch, a scalar, averaged over its images."""
        ...

    def predict(self, outputs: Tensor) -> Tensor:
        """Return what the outputs say of each image, in the form of `targets`."""
        ...

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return sums over a batch, from which `summarize` makes the metrics once those of all batches and devices are added by name."""
        ...

    def summarize(self, sums: Mapping[str, float], images: int) -> dict[str, float]:
        """Return each metric by name, given the sums over `images` images."""
        ...

    def score(self, outputs: Tensor, targets: Tensor) -> dict[str, numpy.ndarray]:
        """Return each metric by name for each image, `(B,)`, from float64 outputs on the CPU. Their mean is the data set's metric."""
        ...


def find_main_metric(task: Task) -> Quantity:
    """Return the quantity of a task's main metric."""
    return next(metric for metric in task.metrics if metric.name == task.main_metric)


def list_objectives(task: Task) -> list[str]:
    """Return the metrics that a search may optimise, the main one first: `val_acc`, `val_loss`."""
    names = sorted((metric.name for metric in task.metrics), key=lambda name: name != task.main_metric)
    return [f"val_{name}" for name in names]


def register_task(task: Task) -> None:
    """Add a task to `TASKS` and its metrics to the quantities. Raises TypeError where another one has its name."""
    if TASKS.setdefault(task.name, task) is not task:
        raise TypeError(f"task {task.name!r} is registered twice")
    for metric in task.metrics:
        register_quantity(replace(metric, name=f"val_{metric.name}", title=f"validation {metric.title}", kind="metric"))
        register_quantity(replace(metric, name=f"test_{metric.name}", title=f"test {metric.title}"))
