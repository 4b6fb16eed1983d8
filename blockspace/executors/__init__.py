"""Executors: the protocol by which jobs are run, the results they leave, and the executor of this machine."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
