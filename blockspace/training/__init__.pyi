from .batches.loader import Batches as Batches
from .batchnorm import check_batchnorm as check_batchnorm
from .fit_result import (
    Diverged as Diverged,
    EpochResult as EpochResult,
    FitResult as FitResult,
    OutOfMemory as OutOfMemory,
    Scores as Scores,
)
from .fitting import Checkpointing as Checkpointing, FitCallbacks as FitCallbacks, fit as fit
from .recipe import Recipe as Recipe, Switch as Switch, read_recipe as read_recipe
from .scoring import predict as predict, score as score
from .tasks import (
    DEFAULT_TASK as DEFAULT_TASK,
    TASKS as TASKS,
    Task as Task,
    find_main_metric as find_main_metric,
    list_objectives as list_objectives,
    register_task as register_task,
)
