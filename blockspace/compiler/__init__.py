"""Graph -> module, source text, weights and times. The first floor that imports torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
