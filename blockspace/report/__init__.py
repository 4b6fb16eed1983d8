"""Results as an answer, tables and CSV. numpy and the standard library only.

Names are loaded on first use (PEP 562), so that what needs no numpy does not import it.
"""

from importlib import import_module

_HOME = {
    "Answer": "answer",
    "Difference": "answer",
    "Finalist": "answer",
    "Row": "answer",
    "compare": "answer",
    "Interval": "bootstrap",
    "difference": "bootstrap",
    "answer_table": "table",
    "grid": "table",
    "number": "table",
    "COLUMNS": "results",
    "results_csv": "results",
    "write_results": "results",
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
