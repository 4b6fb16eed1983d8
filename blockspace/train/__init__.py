"""Recipe and training: the only floor that imports lightning.

Names are loaded on first use (PEP 562): `import blockspace.train` and `Recipe` never import torch."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "recipe": ("Recipe", "read_recipe"),
        "norms": ("check_norms",),
        "outcome": ("Diverged", "Epoch", "Fitted", "OutOfMemory", "Scores"),
        "batches.epoch": ("Batches",),
        "task": ("Task",),
        "fitting": ("fit",),
        "scoring": ("predict", "score"),
    },
)
