"""blockspace: convolutional blocks as split, transform and merge; costed, compiled, searched under budgets, and handed over.

Names are loaded when first used, so that importing this package costs nothing: torch comes with `compile`, Optuna with `search`.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME = {
    "load": "blockspace.blocks",
    "cost": "blockspace.cost",
    "Budget": "blockspace.cost",
    "Graph": "blockspace.graph",
    "BlockspaceError": "blockspace.errors",
    "canonical": "blockspace.passes",
    "compile": "blockspace.compiler",
    "to_source": "blockspace.compiler",
    "transplant": "blockspace.compiler",
    "search": "blockspace.study",
    "export": "blockspace.study",
}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'blockspace' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
