"""Results as an answer, tables and CSV. No torch.

Names are loaded on first use (PEP 562), so that what needs no numpy does not import it."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "answer": ("Answer", "Difference", "Finalist", "Row", "compare"),
        "answer_file": ("answer_json", "read_answer"),
        "bootstrap": ("Interval", "difference"),
        "table": ("answer_table", "grid", "number"),
        "html": ("front_png", "front_svg", "page", "write_page"),
        "run": ("Final", "Run", "Surroundings", "Training", "Trial"),
        "results": ("COLUMNS", "results_csv", "write_results"),
    },
)
