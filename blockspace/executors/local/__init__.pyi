from .executor import EXECUTOR as EXECUTOR
from .executor import LocalExecutor as LocalExecutor
