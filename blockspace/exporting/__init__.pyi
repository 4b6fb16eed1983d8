from .export_folder import ExportedFolder as ExportedFolder
from .export_folder import check_formats as check_formats
from .export_folder import export_folder as export_folder
from .export_format import DEFAULT_FORMATS as DEFAULT_FORMATS
from .export_format import EXPORT_FORMATS as EXPORT_FORMATS
from .export_format import PORTABLE_FORMATS as PORTABLE_FORMATS
