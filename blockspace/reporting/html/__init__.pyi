from .page import draw_front_png as draw_front_png, draw_front_svg as draw_front_svg, render_page as render_page, write_page as write_page
