"""The top of the library: a study from its file to its answer, and the export of a network."""

from importlib import import_module

_HOME = {
    "ask": "question", "Question": "question", "load_study": "file", "Study": "file",
    "search": "run", "Outcome": "run", "as_json": "run", "rehearse": "rehearsal", "export": "handover",
}  # fmt: skip

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
