from .ascii import draw_lanes as draw_lanes, draw_outline as draw_outline
from .contact_sheet import SheetRow as SheetRow, draw_contact_sheet as draw_contact_sheet
from .mermaid_dot import to_dot as to_dot, to_mermaid as to_mermaid
from .rasterize import rasterize_svg as rasterize_svg
from .svg import draw_html as draw_html, draw_png as draw_png, draw_svg as draw_svg
from .theme import build_style_sheet as build_style_sheet
