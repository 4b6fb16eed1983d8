"""Ways to run a network whose calls are timed, and the paired measurement that compares two networks on one of them.

Every file of `backends/` holds one runtime and is found by its name; no file is imported before its runtime is asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
