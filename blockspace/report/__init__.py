"""Results as an answer, tables and CSV. numpy and the standard library only.

Names are loaded on first use (PEP 562), so that what needs no numpy does not import it."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "answer": ("Answer", "Difference", "Finalist", "Row", "compare"),
        "bootstrap": ("Interval", "difference"),
        "table": ("answer_table", "grid", "number"),
        "results": ("COLUMNS", "results_csv", "write_results"),
    },
)
