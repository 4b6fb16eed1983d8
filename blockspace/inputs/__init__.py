"""What people give to commands, files and functions, read at the door: paths, and arguments of public functions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
