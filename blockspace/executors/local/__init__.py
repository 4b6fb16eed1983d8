"""The local executor: each job in a process of this machine, forked from a server that has imported torch once."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
