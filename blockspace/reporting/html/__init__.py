"""Write the report of a run as one HTML file with SVG charts, and its front as a picture file."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
