"""The samplers of `search: {sampler: ...}`. `SAMPLERS` is the registry; importing this package fills it from every file beside it."""

import os
from importlib import import_module

from blockspace.searching.samplers.base import SAMPLERS as SAMPLERS, SamplerEntry as SamplerEntry, register_sampler as register_sampler

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.searching.samplers.{_file[:-3]}")
