"""The report as one HTML file and a picture of its front: sections (one a file) fill templates, charts are SVG."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
