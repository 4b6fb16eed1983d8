"""The report as one HTML file and a picture of its front: sections (one a file) fill templates, charts are SVG."""

from blockspace.report.html.image import front_png, front_svg
from blockspace.report.html.page import page, write_page

__all__ = ["front_png", "front_svg", "page", "write_page"]
