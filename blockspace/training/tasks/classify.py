"""Image classification: cross-entropy of logits `(B, classes)` with labels `(B,)`, measured by accuracy and log-loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from blockspace.errors import error
from blockspace.formatting import count_noun
from blockspace.quantities import Quantity, register_quantity
from blockspace.training.tasks.task import register_task

if TYPE_CHECKING:
    import numpy
    from torch import Tensor

    from blockspace.data import Split
    from blockspace.training.recipe import Recipe

LOSS = Quantity("loss", "log-loss", "nats", decimals=4)
ACCURACY = Quantity("acc", "accuracy", "%", "maximize", scale=100, decimals=2)

register_quantity(Quantity("train_loss", "training loss", "nats", decimals=4))  # with label smoothing and mixed labels, so no log-loss


class Classification:
    """One class per image. Training labels may also be shares `(B, classes)`, as mixup and cutmix make them."""

    name = "classify"
    metrics = (LOSS, ACCURACY)
    sums = ("loss", "acc")
    main_metric = "acc"

    def check_outputs(self, outputs: Tensor, split: Split) -> None:
        """Check that there is one logit per class. Raises BlockspaceError (E-LABEL)."""
        if outputs.shape[1] != split.n_classes:
            help = f"set classes: {split.n_classes} in the network's params"
            here, there = count_noun(outputs.shape[1], "output"), count_noun(split.n_classes, "class", "classes")
            raise error("E-LABEL", f"the network has {here}, the data {there}", help=help)

    def loss(self, outputs: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
        """Return the cross-entropy with the recipe's label smoothing, in nats, averaged over the batch."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing)

    def predict(self, outputs: Tensor) -> Tensor:
        """Return the class with the largest logit, `(B,)`."""
        return outputs.argmax(1)

    def measure(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Return the batch's summed cross-entropy in nats and its number of correct predictions."""
        from torch.nn.functional import cross_entropy

        loss = cross_entropy(outputs, targets, reduction="sum").item()
        return {"loss": loss, "acc": int((self.predict(outputs) == targets).sum())}

    def summarize(self, sums: Mapping[str, float], images: int) -> dict[str, float]:
        """Return the mean log-loss in nats and the accuracy in 0..1."""
        return {name: total / images for name, total in sums.items()}

    def score(self, outputs: Tensor, targets: Tensor) -> dict[str, numpy.ndarray]:
        """Return for each image its log-loss in nats (float64) and whether its prediction is correct (bool)."""
        from torch.nn.functional import cross_entropy

        losses = cross_entropy(outputs, targets, reduction="none")
        return {"loss": losses.numpy(), "acc": (self.predict(outputs) == targets).numpy()}


register_task(Classification())
