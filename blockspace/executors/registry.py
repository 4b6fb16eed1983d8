"""Executors by name: every module or package in this folder that defines `EXECUTOR`, a class, is one executor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from blockspace.errors import did_you_mean, error
from blockspace.executors.base import Executor

PRELOAD = ("torch", "lightning")  # modules that a process of an executor imports once, before its first job


class ExecutorClass(Protocol):
    """How an executor is made: for `capacity` jobs at a time, in processes that have imported `preload`."""

    def __call__(self, capacity: int, preload: Sequence[str] = PRELOAD) -> Executor: ...


def list_executors() -> dict[str, ExecutorClass]:
    """Return the classes of all executors, by name."""
    folder = os.path.dirname(__file__)
    names = [file.removesuffix(".py") for file in sorted(os.listdir(folder)) if not file.startswith(("_", ".")) and "." not in file[:-3]]
    modules = {name: import_module(f"blockspace.executors.{name}") for name in names}
    found = {name: getattr(module, "EXECUTOR", None) for name, module in modules.items()}
    return {name: cast(ExecutorClass, executor) for name, executor in found.items() if executor is not None}  # typed by its protocol


def open_executor(name: str, capacity: int, preload: Sequence[str] = PRELOAD) -> Executor:
    """Return the executor `name`, started, for `capacity` jobs at a time. Raises BlockspaceError (E-NAME) for an unknown name."""
    executors = list_executors()
    if name not in executors:
        hint = did_you_mean(name, executors)
        help = f"{hint + ' ' if hint else ''}known: {', '.join(executors)}"
        raise error("E-NAME", f"no executor is named {name!r}", help=help)
    return executors[name](capacity, preload)
