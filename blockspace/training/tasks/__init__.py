"""Tasks of a training: each file of this package registers one in `TASKS`. None imports torch before it is used."""

import os
from importlib import import_module

from blockspace.training.tasks.task import DEFAULT_TASK, TASKS, Task, find_main_metric, list_objectives, register_task

__all__ = ["DEFAULT_TASK", "TASKS", "Task", "find_main_metric", "list_objectives", "register_task"]

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.training.tasks.{_file[:-3]}")
