"""Data, recipe and training: the only floor that imports lightning.

Names are loaded on first use (PEP 562): `import blockspace.train`, `describe` and `Recipe` never import torch.
"""

from importlib import import_module

_HOME = {
    "DataSpec": "catalogue",
    "Options": "options",
    "check_data": "catalogue",
    "describe": "catalogue",
    "read_spec": "catalogue",
    "Recipe": "recipe",
    "read_recipe": "recipe",
    "Diverged": "outcome",
    "Epoch": "outcome",
    "Fitted": "outcome",
    "Scores": "outcome",
    "Data": "data",
    "load": "data",
    "Split": "images",
    "Batches": "batches",
    "Task": "task",
    "fit": "fitting",
    "predict": "scoring",
    "score": "scoring",
    "validated": "options",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
