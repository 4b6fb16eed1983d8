"""Data: what there is, how it is read, divided and looked at before a training sees it.

Names are loaded on first use (PEP 562): `import blockspace.data`, `describe` and `check_data` never import torch."""

from blockspace.faces import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "catalogue": ("DataSpec", "check_data", "describe", "read_spec"),
        "data": ("Data", "load"),
        "inspection": ("Preflight", "preflight", "kept_preflight"),
        "images": ("Split",),
    },
)
