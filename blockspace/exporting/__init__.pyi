from .export_folder import ExportedFolder as ExportedFolder, check_formats as check_formats, export_folder as export_folder
from .export_format import DEFAULT_FORMATS as DEFAULT_FORMATS, EXPORT_FORMATS as EXPORT_FORMATS, PORTABLE_FORMATS as PORTABLE_FORMATS
