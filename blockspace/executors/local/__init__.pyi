from .executor import EXECUTOR as EXECUTOR, LocalExecutor as LocalExecutor
