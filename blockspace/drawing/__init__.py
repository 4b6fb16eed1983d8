"""Draw graphs: as text in the terminal, as SVG, PNG and HTML, and as Mermaid and dot for other tools."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
