"""Draw charts of a run as SVG; colours are classes, so that one style sheet serves the page in light and dark, and the PNG."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
