"""Recipe and training: the only floor that imports lightning.

Names are loaded on first use (PEP 562): `import blockspace.training` and `Recipe` never import torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
