"""Drawings of graphs: lanes and a summary as text, pictures as SVG and PNG, Mermaid and dot for other tools."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
