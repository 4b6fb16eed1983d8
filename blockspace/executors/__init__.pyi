from .base import (
    Evaluate as Evaluate,
    Executor as Executor,
    FinishedJob as FinishedJob,
    Handle as Handle,
    Job as Job,
    JobProgress as JobProgress,
    JobStopped as JobStopped,
    ProgressReporter as ProgressReporter,
    Resources as Resources,
    StorageFault as StorageFault,
    TimeLimits as TimeLimits,
)
from .execute import ATTEMPTS as ATTEMPTS, failure_result as failure_result, run_job as run_job, submit_and_wait as submit_and_wait
from .local.executor import LocalExecutor as LocalExecutor
from .registry import PRELOAD as PRELOAD, open_executor as open_executor
from .result import Result as Result, adopt_result as adopt_result, read_result as read_result
