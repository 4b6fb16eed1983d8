"""Executors by name: every module or package in this folder that defines `EXECUTOR`, a class, is one executor."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

import blockspace.executors
from blockspace.errors import did_you_mean, error
from blockspace.executors.base import Executor

PRELOAD = ("torch", "lightning")  # modules that a process of an executor imports once, before its first job


class ExecutorClass(Protocol):
    """The constructor of an executor: for `capacity` jobs at a time, in processes that have imported `preload`."""

    def __call__(self, capacity: int, preload: Sequence[str] = PRELOAD) -> Executor:
        """Return the started executor."""


def list_executors() -> dict[str, ExecutorClass]:
    """Return the classes of all executors, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(blockspace.executors.__path__))
    modules = {name: import_module(f"blockspace.executors.{name}") for name in names}
    return {name: module.EXECUTOR for name, module in modules.items() if hasattr(module, "EXECUTOR")}


def open_executor(name: str, capacity: int, preload: Sequence[str] = PRELOAD) -> Executor:
    """Return the executor `name`, started, for `capacity` jobs at a time. Raises BlockspaceError (E-KEY) for an unknown name."""
    executors = list_executors()
    if name not in executors:
        hint = did_you_mean(name, executors)
        raise error("E-KEY", f"no executor is named {name!r}", help=f"{hint + ' ' if hint else ''}known: {', '.join(executors)}")
    return executors[name](capacity, preload)
