"""Write elements of HTML and SVG with text escaped: names come from files and error messages and are not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from blockspace.formatting import hide_paths

# controls, lone surrogates and non-characters (not XML), and marks of reading direction (a name could pass for another one)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def reveal_unseen(text: object) -> str:
    """Return the text with invisible characters spelled out: U+202E becomes `\\u202e`. Line breaks and tabs stay."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def escape_text(value: object) -> Markup:
    """Return any value as escaped text for HTML and XML, absolute paths in it reduced to their names; `Markup` is returned as it is."""
    return value if isinstance(value, Markup) else escape(reveal_unseen(hide_paths(str(value))))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """Return an element. Children that are not Markup are escaped; `class_` is class, `stroke_width` stroke-width.

    Attributes that are None are left out, floats get one decimal.
    """
    known = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    pairs = "".join(f' {key}="{_format_attribute(value)}"' for key, value in known.items())
    return Markup(f"<{name}{pairs}>{''.join(map(escape_text, children))}</{name}>" if children else f"<{name}{pairs}/>")


def _format_attribute(value: object) -> Markup:
    """Return the escaped text of an attribute."""
    return Markup(format_px(value)) if isinstance(value, float) else escape_text(value)


def join_markup(parts: Iterable[Markup]) -> Markup:
    """Return parts one after the other."""
    return Markup("").join(parts)


def format_px(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")
