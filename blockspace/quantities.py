"""Quantities: what the numbers of networks and trainings are called, their unit, which way is better, and how they are written.

Costs (`blockspace.costs`) and metrics (the tasks of `blockspace.training`) register their quantities here, and tables, charts and messages
look them up by name, so that one more cost or metric needs no other file.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Literal

from blockspace.extensions import load_extension
from blockspace.formatting import format_cell, format_si

Direction = Literal["maximize", "minimize"]
Kind = Literal["", "cost", "metric"]

REGISTERING = ("cost_quantities", "metric_quantities")  # extensions whose packages register quantities when they are imported

QUANTITIES: dict[str, Quantity] = {}


@dataclass(frozen=True)
class Quantity:
    """A named number of a network or a training.

    Attributes:
        name: the name in study files, results and code: `macs`, `val_acc`.
        title: the words at an axis: `validation accuracy`.
        unit: the unit of the number as it is shown: `%`, `nats`, `macs`; empty where there is none.
        direction: whether more or less is better.
        scale: factor from the stored to the shown number (an accuracy is stored in 0..1 and shown in %).
        decimals: decimals of the shown number; None for four significant digits with k, M, G.
        kind: `cost` (known before a training) or `metric` (of validation, told to the search); empty for others.
        is_sum: whether a network's number is the sum over its nodes, so that each node has a share of it.
    """

    name: str
    title: str
    unit: str = ""
    direction: Direction = "minimize"
    scale: float = 1.0
    decimals: int | None = None
    kind: Kind = ""
    is_sum: bool = False

    def format(self, value: float | None) -> str:
        """Return the shown number without its unit: `97.50`, `4.47M`; a dash for None."""
        if value is None or self.decimals is None:
            return format_cell(value)
        return f"{value * self.scale:.{self.decimals}f}"

    def format_with_unit(self, value: float | None) -> str:
        """Return the shown number with its unit: `97.50 %`, `4.47M macs`, `0.845 x baseline`; empty for None."""
        return f"{self.format(value)} {self.unit or self.name}" if value is not None else ""

    def format_exact(self, value: float | None) -> str:
        """Return all digits of a count (`4,468,224`), any other number as `format` does; empty for None."""
        if value is None:
            return ""
        return f"{value:,}" if isinstance(value, int) else self.format(value)

    def format_tick(self, value: float) -> str:
        """Return the text of a round number at an axis, in the shown unit."""
        return format_cell(value) if self.decimals is None else f"{value:.4g}"

    def format_stored(self, value: float) -> str:
        """Return the number as it is stored, unscaled, as precisely as `format` shows it: an accuracy of 97.50 % is `0.9750`."""
        if self.decimals is None:
            return format_si(value)
        return f"{value:.{self.decimals + round(log10(self.scale))}f}"

    @property
    def axis_title(self) -> str:
        """The title with the unit, for an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


def register_quantity(quantity: Quantity) -> None:
    """Add a quantity to `QUANTITIES`. Raises TypeError where another one has its name."""
    if QUANTITIES.setdefault(quantity.name, quantity) != quantity:
        raise TypeError(f"quantity {quantity.name!r} is registered twice")


def list_quantities(kind: Kind) -> list[Quantity]:
    """Return the registered quantities of one kind."""
    for extension in REGISTERING:
        load_extension(extension)
    return [quantity for quantity in QUANTITIES.values() if quantity.kind == kind]


def find_quantity(name: str) -> Quantity:
    """Return the quantity of that name; one that nothing registers is shown under its own name."""
    if name not in QUANTITIES:
        for extension in REGISTERING:
            load_extension(extension)
    return QUANTITIES.get(name) or Quantity(name, name)
