"""Progress of a study on stderr: a live picture on a terminal, one line a trial elsewhere."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "listener": ("Progress",),
        "standing": ("Standing", "Training"),
        "picture": ("picture",),
        "lines": ("line", "summary"),
    },
)
