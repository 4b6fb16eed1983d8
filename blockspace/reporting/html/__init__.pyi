from .page import draw_front_png as draw_front_png
from .page import draw_front_svg as draw_front_svg
from .page import render_page as render_page
from .page import write_page as write_page
