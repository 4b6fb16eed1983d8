"""Costs of graphs, and budgets on them."""

from blockspace.cost.budget import Budget
from blockspace.cost.cost import COSTS, Cost, cost, short

__all__ = ["COSTS", "Budget", "Cost", "cost", "short"]
