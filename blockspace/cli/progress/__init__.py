"""Progress of a study on stderr: a live picture on a terminal, one line a trial elsewhere."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
