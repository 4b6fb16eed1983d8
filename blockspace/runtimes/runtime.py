"""The protocol of a runtime, and the registry in which runtimes are found by name. No torch here."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from blockspace.errors import did_you_mean, error

if TYPE_CHECKING:
    from torch import Tensor, nn

Clock = Callable[[], float]  # seconds since some moment
BACKENDS = os.path.join(os.path.dirname(__file__), "backends")
_REGISTERED: dict[str, Runtime] = {}


class Runtime(Protocol):
    """A way to run a network: a framework, on a device, read by a clock."""

    name: str

    def prepare(self, module: nn.Module, example: Tensor, threads: int) -> AbstractContextManager[Callable[[], object]]:
        """Return a context whose value runs `module` once in eval mode on `example`, an input `(N, C, H, W)`, on this many threads.

        Batch and dtype are those of the example. When the context ends, the module and everything global are as they were before.
        """
        ...

    def clock(self, threads: int) -> Clock:
        """Return the clock by which a call on this many threads is timed; it waits for calls that are still running."""
        ...

    def device(self) -> str:
        """Return the name of the processor that a call runs on."""
        ...


def register_runtime(runtime: Runtime) -> None:
    """Register a runtime under its name. Raises TypeError when the name is taken."""
    if runtime.name in _REGISTERED:
        raise TypeError(f"two runtimes are called {runtime.name!r}")
    _REGISTERED[runtime.name] = runtime


def runtime_names() -> list[str]:
    """Return the names of all runtimes, sorted: of the files of `backends/`, which are not imported, and of those registered elsewhere."""
    files = (name.removesuffix(".py") for name in os.listdir(BACKENDS) if name.endswith(".py") and not name.startswith("_"))
    return sorted({*files, *_REGISTERED})


def load_runtime(name: str) -> Runtime:
    """Return the runtime of this name, importing its file. Raises BlockspaceError (E-NAME) when there is none."""
    known = runtime_names()
    if name not in known:
        raise error("E-NAME", f"unknown runtime {name!r}", help=did_you_mean(name, known) or f"known: {', '.join(known)}")
    if name not in _REGISTERED:
        import_module(f"blockspace.runtimes.backends.{name}")
    return _REGISTERED[name]
