"""Arguments of public functions, checked when they are called: a wrong kind is one line that says what is expected.

    @check_arguments(path=PATH, formats=NAMES, force=FLAG, on_event=optional(CALLABLE))
    def export(path, formats=("py",), force=False, on_event=None): ...

The check knows kinds alone; whether a file exists or a name is known is for the function to say.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from operator import index
from typing import ParamSpec, SupportsIndex, TypeGuard, TypeVar

from blockspace.errors import BlockspaceError, Mistake, error

P = ParamSpec("P")
R = TypeVar("R")

MOST_SHOWN = 60  # characters of a value that a message shows
TORCH_SEEDS = range(-(2**63), 2**64)  # that torch's generators take


@dataclass(frozen=True)
class ArgumentKind:
    """One kind of argument: the words for it in a message, and the function that says whether a value is of it."""

    words: str
    holds: Callable[[object], bool]


def check_arguments(others: ArgumentKind | None = None, **kinds: ArgumentKind) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks each argument of a function by its kind; `others` is the kind of keyword arguments it does not name.

    The function then raises BlockspaceError (E-TYPE) with a mistake for each argument of another kind.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        names = [one.name for one in signature(function).parameters.values() if one.kind in places]

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            given: dict[str, object] = {**dict(zip(names, args)), **kwargs}
            wrong = [
                Mistake("E-TYPE", f"{function.__name__}: {name} should be {kind.words}, got {show_value(value)}")
                for name, value in given.items()
                if (kind := kinds.get(name, others)) is not None and not kind.holds(value)
            ]
            if wrong:
                raise BlockspaceError(*wrong)
            return function(*args, **kwargs)

        return checked

    return decorate


def show_value(value: object) -> str:
    """Return a value for a message: its `repr`, cut where it is long; of a large object, its type."""
    if isinstance(value, (str, bytes, int, float, list, tuple, dict, set, type(None), os.PathLike)):
        text = repr(value)
        return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


# -- kinds ---------------------------------------------------------------------------------------------------------------------------------


def is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether a value is a path: text that is not empty, or a PathLike of text."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    return isinstance(value, str) and bool(value.strip())


def is_integer(value: object) -> TypeGuard[SupportsIndex]:
    """Return whether a value is a whole number, of Python or numpy; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return False
    try:
        index(value)
    except (TypeError, ValueError):  # an array of several, a tensor of floats
        return False
    return True


def is_list_of(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    """Return a function that says whether a value is a list, or another collection, of such values; an iterator is not used up for it."""

    def holds_all(value: object) -> bool:
        if isinstance(value, Iterator):
            return True
        return isinstance(value, Collection) and not isinstance(value, (str, bytes, Mapping)) and all(map(holds, value))

    return holds_all


def is_text(value: object) -> bool:
    """Return whether a value is text."""
    return isinstance(value, str)


def is_setting(value: object) -> bool:
    """Return whether a value can be written in YAML: text, a finite number, true or false, or lists and mappings of them."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_setting(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(map(is_setting, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (str, bool)) or is_integer(value)


def read_input_shape(value: object, flat: bool = False) -> tuple[int, ...]:
    """Return an input shape `(C, H, W)` as a tuple of Python integers; with `flat` also `(C,)`, that of a layer behind the spatial ones.

    Raises BlockspaceError (E-TYPE).
    """
    sizes = value if isinstance(value, (tuple, list)) else getattr(value, "tolist", lambda: None)()
    if isinstance(sizes, (tuple, list)) and len(sizes) in ((1, 3) if flat else (3,)):
        found = tuple(index(size) for size in sizes if is_integer(size) and index(size) > 0)
        if len(found) == len(sizes):
            return found
    what = "an input shape is (channels, height, width), three whole numbers of at least 1"
    raise error("E-TYPE", f"{what}, got {show_value(value)}", help="graph((64, 56, 56))")


def is_module(value: object) -> bool:
    """Return whether a value is a torch module. torch is not imported for it."""
    return any(base.__module__ == "torch.nn.modules.module" for base in type(value).__mro__)


def optional(kind: ArgumentKind) -> ArgumentKind:
    """Return the kind that also takes None."""
    return ArgumentKind(f"{kind.words}, or None", lambda value: value is None or kind.holds(value))


PATH = ArgumentKind("a name or path (text or a Path)", is_path)
PATHS = ArgumentKind("a list of paths", is_list_of(is_path))
TEXT = ArgumentKind("text", is_text)
TEXTS = ArgumentKind("a list of texts", is_list_of(is_text))
NAMES = ArgumentKind("a list of names", is_list_of(is_path))
FLAG = ArgumentKind("True or False", lambda value: isinstance(value, bool))
COUNT = ArgumentKind("a whole number of at least 1", lambda value: is_integer(value) and index(value) > 0)
SEED = ArgumentKind("a whole number", lambda value: is_integer(value) and index(value) in TORCH_SEEDS)
VALUE = ArgumentKind("text, a number, True, False, or a list or mapping of them", is_setting)
ANYTHING = ArgumentKind("anything", lambda value: True)  # which the function checks itself
CALLABLE = ArgumentKind("a function", callable)
MODULE = ArgumentKind("a torch module", is_module)
WEIGHTS = ArgumentKind("a path or a torch module", lambda value: is_path(value) or is_module(value))
