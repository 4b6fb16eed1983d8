"""Pictures: an SVG as PNG, and how wide a text is in it. Text is set in the Inter that lies beside this file, on any machine."""

from blockspace.picture.font import FAMILY, width
from blockspace.picture.raster import png

__all__ = ["FAMILY", "png", "width"]
