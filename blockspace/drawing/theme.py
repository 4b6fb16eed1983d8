"""Write the style sheet of drawings: fonts, and the colours of the light and dark themes."""

from __future__ import annotations

from blockspace.drawing.font import FONT_FAMILY
from blockspace.errors import did_you_mean, error

LIGHT = {
    "paper": "#ffffff", "ink": "#111827", "muted": "#64748b", "line": "#64748b", "box": "#f8fafc", "border": "#94a3b8",
    "frame": "#f4f6f9", "rim": "#c3ccd8", "split": "#ede9fe", "split-line": "#7c3aed", "merge": "#d5f5ee", "merge-line": "#0f8f80",
    "end": "#e2e8f0", "heat": "#fb923c", "hot-ink": "#111827",
}  # fmt: skip
DARK = {
    "paper": "#0d1117", "ink": "#e6edf3", "muted": "#919ca9", "line": "#8693a3", "box": "#1a212b", "border": "#5c6b7e",
    "frame": "#121820", "rim": "#343e4b", "split": "#2b2147", "split-line": "#a78bfa", "merge": "#0d302d", "merge-line": "#2dd4bf",
    "end": "#252d38", "heat": "#d9480f", "hot-ink": "#ffffff",
}  # fmt: skip
THEMES = {"light": LIGHT, "dark": DARK}
SHARED_CLASS = "bs-drawing"  # the class of drawings that carry no style sheet of their own
HEAT_OPACITY = 0.85  # of the hottest box

RULES = """
{} text{{font-family:FAMILY;fill:{ink};font-size:12px}}
{} .paper{{fill:{paper}}}
{} .label{{font-weight:600;text-anchor:middle}}
{} .note{{font-size:10px;fill:{ink};fill-opacity:.72;text-anchor:middle}}
{} .name{{font-weight:600}}
{} .head{{font-size:15px;font-weight:600}}
{} .small{{font-size:10px;fill:{muted}}}
{} .branch{{font-style:italic}}
{} .end{{text-anchor:end}}
{} .shape{{fill:{box};stroke:{border};stroke-width:1.2}}
{} .block>.shape{{fill:{frame};stroke:{rim}}}
{} .input>.shape,{} .output>.shape{{fill:{end};stroke:none}}
{} .split>.shape,{} .copy>.shape{{fill:{split};stroke:{split-line}}}
{} .concat>.shape,{} .join>.shape{{fill:{merge};stroke:{merge-line}}}
{} .stage>.shape{{fill:{frame};stroke:{rim}}}
{} .badge{{fill:{ink}}}
{} .letter{{font-weight:600;font-size:11px;text-anchor:middle;fill:{paper}}}
{} .more>.shape{{fill:none;stroke:{border};stroke-dasharray:2 3}}
{} .heat{{fill:{heat}}}
{} .edge{{fill:none;stroke:{line};stroke-width:1.3}}
{} .dotted{{stroke-dasharray:2 4}}
{} .tip{{fill:{line};stroke:none}}
""".strip().replace("FAMILY", FONT_FAMILY)


def scope_style_sheet(root: str, theme: str) -> str:
    """Return the style sheet for elements under the class `root`; the theme `auto` follows the reader's system, else `light` or `dark`.

    In `auto` the colours are variables (`--bs-ink`, ...), so that a page can set its own. Raises BlockspaceError: E-TYPE for another theme.
    """
    scope = f".{root}"
    if theme in THEMES:
        return _fill_rules(scope, THEMES[theme])
    if theme != "auto":
        help = did_you_mean(str(theme), ("auto", *THEMES)) or "auto, light or dark"
        raise error("E-TYPE", f"no theme {theme!r}", help=help)
    light, dark = (";".join(f"--bs-{key}:{colour}" for key, colour in colours.items()) for colours in (LIGHT, DARK))
    variables = _fill_rules(scope, {key: f"var(--bs-{key})" for key in LIGHT})
    return f"{scope}{{{light}}}\n@media (prefers-color-scheme:dark){{{scope}{{{dark}}}}}\n{variables}"


def build_style_sheet(theme: str = "auto") -> str:
    """Return the style sheet for all drawings of a page that were made with `styled=False`. Raises BlockspaceError: E-TYPE."""
    return scope_style_sheet(SHARED_CLASS, theme)


def _fill_rules(scope: str, colours: dict[str, str]) -> str:
    """Return `RULES` with the scope before each selector and the colours filled in."""
    text = RULES.replace("{}", scope)
    for key, colour in colours.items():
        text = text.replace(f"{{{key}}}", colour)
    return text.replace("{{", "{").replace("}}", "}")
