"""Mermaid: a graph as the text of a flowchart, for places that draw it themselves (GitHub, GitLab, notebooks, mkdocs)."""

from __future__ import annotations

from blockspace.drawing.flat import flat
from blockspace.drawing.units import Level, Unit
from blockspace.graph import Graph

SHAPES = {
    "input": '(["{}"])', "output": '(["{}"])', "split": '[/"{}"\\]', "concat": '[\\"{}"/]', "copy": '{{"{}"}}', "join": '(("{}"))',
    "transform": '["{}"]',
}  # fmt: skip
STYLES = {"split": "stroke:#7c3aed,stroke-width:2px", "merge": "stroke:#0f8f80,stroke-width:2px"}
CLASSES = {"split": "split", "copy": "split", "concat": "merge", "join": "merge"}


def to_mermaid(graph: Graph) -> str:
    """The graph as Mermaid text: one node a step, blocks as subgraphs, channels at edges."""
    found = flat(graph)
    lines = ["flowchart TD", *nodes(found.level, found.ids, 1)]
    lines += [f"  {found.ids[a]} -->|{value.shape[0]}| {found.ids[b]}" for a, b, value in found.links]
    lines += [f"  classDef {name} {style}" for name, style in STYLES.items()]
    for name in STYLES:
        members = [found.ids[unit] for unit in found.ids if CLASSES.get(unit.kind) == name]
        lines += [f"  class {','.join(members)} {name}"] * bool(members)
    return "\n".join(lines) + "\n"


def nodes(level: Level, ids: dict[Unit, str], depth: int) -> list[str]:
    """The nodes of a level, blocks as subgraphs."""
    lines, indent = [], "  " * depth
    for unit in level.units:
        if unit.level is None:
            text = "<br/>".join(map(quoted, filter(None, (unit.label or "copy", unit.note))))
            lines.append(indent + ids[unit] + SHAPES[unit.kind].format(text))
        else:
            name = unit.name.replace(".", "_")
            lines += [f'{indent}subgraph block_{name}["{quoted(unit.label)}"]', *nodes(unit.level, ids, depth + 1), f"{indent}end"]
    return lines


def quoted(text: str) -> str:
    """A text as Mermaid takes it inside of quotes; `+` and `-` alone would be lists in Markdown."""
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;").replace("+", "#43;")
