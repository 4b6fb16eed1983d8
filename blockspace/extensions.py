"""Methods of a lower floor that a higher floor implements: a graph's canonical key, its drawings, the quantities of costs and metrics.

`graph.svg()` is a method because a notebook looks for it there, but drawing is a floor above the graph. The root package, above all
floors and always imported first, therefore says by name where each such function is; it is imported when the method is first called.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` alone would double the time of `import blockspace`
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PROVIDERS: dict[str, str] = {}  # extension -> "package:function"


def register_extensions(**providers: str) -> None:
    """Register where extensions are implemented, as `graph_svg="blockspace.drawing:svg"`. Nothing is imported."""
    _PROVIDERS.update(providers)


def load_extension(name: str) -> Callable[..., Any]:
    """Return the function that implements an extension, importing its package. Raises KeyError when none is registered."""
    from importlib import import_module

    package, _, function = _PROVIDERS[name].partition(":")
    provider: Callable[..., Any] = getattr(import_module(package), function)
    return provider
