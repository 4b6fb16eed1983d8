"""blockspace: convolutional blocks as split, transform and merge; costed, compiled, searched under budgets, and handed over.

Names are loaded when first used, so that importing this package costs nothing: torch comes with `compile`, Optuna with `search`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
