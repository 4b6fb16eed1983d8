"""Input shapes as given from Python."""

from __future__ import annotations

from operator import index

from blockspace.errors import error
from blockspace.inputs.argument_kinds import is_integer, show_value


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
