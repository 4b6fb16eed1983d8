from .export import ExportedFolder as ExportedFolder
from .export import check_formats as check_formats
from .export import export as export
from .export_format import DEFAULT_FORMATS as DEFAULT_FORMATS
from .export_format import EXPORT_FORMATS as EXPORT_FORMATS
from .export_format import PORTABLE_FORMATS as PORTABLE_FORMATS
