"""Faces: what a package shows, loaded on first use (PEP 562), so that importing the package costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module


def face(package: str, homes: dict[str, tuple[str, ...]]) -> tuple[Callable, Callable, list[str]]:
    """`__getattr__, __dir__, __all__` for a package whose module `homes` key holds the names listed with it."""
    home = {name: module for module, names in homes.items() for name in names}
    public = sorted(home)

    def load(name: str):
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{home[name]}"), name)

    return load, lambda: public, public
