"""Show a study's progress on stderr: a live view on a terminal, a line per trial elsewhere."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
