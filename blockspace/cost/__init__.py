"""Costs of graphs, and budgets on them. `COSTS` is the registry; importing this package fills it from every file beside it."""

import os
from importlib import import_module

from blockspace.cost.quantity import COSTS, Quantity, register

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.cost.{_file[:-3]}")

from blockspace.cost.budget import Budget  # noqa: E402
from blockspace.cost.cost import Cost, NodeCost, cost  # noqa: E402
from blockspace.cost.numbers import amount, short, size_of  # noqa: E402

__all__ = ["COSTS", "Budget", "Cost", "NodeCost", "Quantity", "amount", "cost", "register", "short", "size_of"]
