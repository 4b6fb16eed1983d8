"""blockspace: convolutional blocks as split, transform and merge; costed, compiled, searched under budgets, and handed over.

Names are loaded when first used, so that importing this package costs nothing: torch comes with `compile`, Optuna with `search`.
"""

import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_HOME = {
    "load": "blockspace.blocks",
    "cost": "blockspace.cost",
    "Budget": "blockspace.cost",
    "Graph": "blockspace.graph",
    "BlockspaceError": "blockspace.errors",
    "canonical": "blockspace.passes",
    "deploy": "blockspace.passes",
    "compile": "blockspace.compiler",
    "to_source": "blockspace.compiler",
    "transplant": "blockspace.compiler",
    "load_pretrained": "blockspace.compiler",
    "search": "blockspace.study",
    "export": "blockspace.study",
    "train": "blockspace.study",
}
__all__ = ["__version__", *_HOME]


_FLOORS = ("cost", "search", "export", "train")  # names of packages that are verbs too


class _Floor(ModuleType):
    """A package whose name is also a public verb: `bs.cost(graph)` calls the verb, `blockspace.cost.Budget` is in the package."""

    def __call__(self, *args, **kwargs):
        verb = self.__name__.rpartition(".")[2]
        return getattr(import_module(_HOME[verb]), verb)(*args, **kwargs)


class _Package(ModuleType):
    """This package: its verbs stay callable after the packages of the same name were imported."""

    def __setattr__(self, name: str, value) -> None:
        if name in _FLOORS and isinstance(value, ModuleType):
            value.__class__ = _Floor
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'blockspace' has no attribute {name!r}")
    if name in _FLOORS:
        return import_module(f"blockspace.{name}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
