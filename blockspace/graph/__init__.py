"""The graph: nodes with shapes, its canonical key, its order of execution, structure and features, its drawings as text and as pictures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
