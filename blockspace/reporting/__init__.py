"""Results as an answer, tables and CSV. No torch.

Names are loaded on first use (PEP 562), so that what needs no numpy does not import it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
