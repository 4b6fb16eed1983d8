from .budget import Budget as Budget, compute_violation as compute_violation
from .cost import (
    COSTS as COSTS,
    Cost as Cost,
    CostQuantity as CostQuantity,
    NodeCost as NodeCost,
    cost as cost,
    format_amount as format_amount,
    register_cost as register_cost,
)
