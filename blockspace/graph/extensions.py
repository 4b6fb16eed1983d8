"""Methods of Graph that a higher floor implements: its canonical key, its drawings.

`graph.svg()` is a method because a notebook looks for it there, but the drawing lives above the graph. The root package, which is above all
floors and is always imported first, therefore says by name where each such function is; it is imported when the method is first called.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

_PROVIDERS: dict[str, str] = {}  # method -> "package:function"


def extend_graph(**providers: str) -> None:
    """Register where graph methods are implemented, as `svg="blockspace.drawing:svg"`. Nothing is imported."""
    _PROVIDERS.update(providers)


def load_extension(name: str) -> Callable[..., Any]:
    """Return the function that implements a graph method, importing its package. Raises KeyError when none is registered."""
    package, _, function = _PROVIDERS[name].partition(":")
    provider: Callable[..., Any] = getattr(import_module(package), function)
    return provider
