"""Rewrites of graphs into equal forms: rules, the pipelines that run them, and the weight maps between the forms.

Every file of `rules/` holds one rule and is found by itself.
"""

import os
from importlib import import_module

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

for _file in sorted(os.listdir(os.path.join(os.path.dirname(__file__), "rules"))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.passes.rules.{_file[:-3]}")
