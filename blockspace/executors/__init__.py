"""Executors: run trainings in processes of their own; what a task is, what it sends while it runs, and what it returns."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
