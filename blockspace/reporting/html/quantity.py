"""Quantities: what a metric or cost is called, its unit, and how its numbers are written."""

from __future__ import annotations

from dataclasses import dataclass

from blockspace.formatting import format_cell


@dataclass(frozen=True)
class Quantity:
    """`scale` turns the stored number into the shown one (accuracy is stored in 0..1 and shown in %)."""

    name: str
    title: str
    unit: str = ""
    scale: float = 1.0
    digits: int | None = None  # decimals; None: four significant digits with k, M, G

    def text(self, value: float | None) -> str:
        """The number alone; a dash for None."""
        if value is None or self.digits is None:
            return format_cell(value)
        return f"{value * self.scale:.{self.digits}f}"

    def tick(self, value: float) -> str:
        """A round number at an axis, in the shown unit."""
        return format_cell(value) if self.digits is None else f"{value:.4g}"

    def exact(self, value: float | None) -> str:
        """All digits of a count, else as `text`; empty for None."""
        if value is None:
            return ""
        return f"{value:,}" if isinstance(value, int) else self.text(value)

    def spoken(self, value: float | None) -> str:
        """With its unit: `97.50 %`, `4.47M macs`, `0.845 x`."""
        return f"{self.text(value)} {self.unit or self.name}" if value is not None else ""

    @property
    def axis(self) -> str:
        """The words at an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


KNOWN = {
    q.name: q
    for q in (
        Quantity("val_acc", "validation accuracy", "%", 100, 2),
        Quantity("val_loss", "validation log-loss", "nats", 1, 4),
        Quantity("test_acc", "test accuracy", "%", 100, 2),
        Quantity("test_loss", "test log-loss", "nats", 1, 4),
        Quantity("train_loss", "training loss", "nats", 1, 4),
        Quantity("latency", "latency, CPU time of one call", "x baseline", 1, 3),
        Quantity("macs", "multiply-accumulates at batch 1", "macs"),
        Quantity("params", "trainable parameters", "params"),
        Quantity("acts", "activations of convolutions and linear layers", "acts"),
        Quantity("bytes", "memory access at batch 1", "bytes"),
        Quantity("peak_memory", "peak memory of activations at batch 1", "bytes"),
        Quantity("receptive_field", "receptive field", "pixels"),
    )
}


def quantity(name: str) -> Quantity:
    """The quantity of that name; one that is not known here is shown under its own name."""
    return KNOWN.get(name) or Quantity(name, name)
