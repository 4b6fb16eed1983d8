"""Define the operators, one class each. `OPS` is the registry; importing this package fills it from every file in it."""

import os
from importlib import import_module

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.ops.{_file[:-3]}")
