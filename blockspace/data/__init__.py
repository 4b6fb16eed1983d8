"""Data: what there is, how it is read, divided and looked at before a training sees it.

Names are loaded on first use (PEP 562): `import blockspace.data`, `describe` and `check_data` never import torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
