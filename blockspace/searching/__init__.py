"""The search: spaces, proposals, the loop around Optuna, worker processes. Optuna is imported on first use of what needs it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
