from .budget import Budget as Budget
from .cost import Cost as Cost
from .cost import NodeCost as NodeCost
from .cost import cost as cost
from .numbers import amount as amount
from .quantity import COSTS as COSTS
from .quantity import Quantity as Quantity
from .quantity import register as register
