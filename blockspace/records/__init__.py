"""Records of a run: what became of a trial, where a run directory keeps its files, and the events of a run.

Names are loaded on first use (PEP 562)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
