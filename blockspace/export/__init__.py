"""One trained architecture -> a folder that runs without blockspace."""

from blockspace.export.export import Exported, check_formats, export
from blockspace.export.formats import FORMATS

__all__ = ["FORMATS", "Exported", "check_formats", "export"]
