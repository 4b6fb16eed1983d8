from .image import front_png as front_png
from .image import front_svg as front_svg
from .page import page as page
from .page import write_page as write_page
