"""Text that is safe to show: names come from files and error messages, and a name must not look like something else."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

# controls, lone surrogates and non-characters (not XML), and what turns the reading direction (a name could pass for another one)
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def shown(text: object) -> str:
    """The text with what cannot be seen spelled out: U+202E becomes `\\u202e`. Line breaks and tabs stay."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text))


def safe(value: object) -> Markup:
    """HTML and XML text of any value; `Markup` is taken as it is."""
    return value if isinstance(value, Markup) else escape(shown(value))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element. What is not Markup is escaped, floats get one decimal; `class_` is class, `stroke_width` stroke-width."""
    pairs = "".join(f' {key.rstrip("_").replace("_", "-")}="{attribute(value)}"' for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{pairs}>{''.join(map(safe, children))}</{name}>" if children else f"<{name}{pairs}/>")


def attribute(value: object) -> Markup:
    return Markup(figure(value)) if isinstance(value, float) else safe(value)


def joined(parts) -> Markup:
    """Markup beside Markup."""
    return Markup("").join(parts)


def figure(value: float) -> str:
    """One decimal at most, for coordinates."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")
