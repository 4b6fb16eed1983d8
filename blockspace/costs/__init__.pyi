from .budget import Budget as Budget
from .cost import Cost as Cost
from .cost import NodeCost as NodeCost
from .cost import cost as cost
from .quantity import COSTS as COSTS
from .quantity import CostQuantity as CostQuantity
from .quantity import format_amount as format_amount
from .quantity import register_cost as register_cost
