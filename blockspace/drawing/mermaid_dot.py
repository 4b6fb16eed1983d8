"""Write graphs as text for tools that lay out by themselves: Mermaid flowcharts (GitHub, mkdocs, notebooks) and dot (graphviz)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from blockspace.drawing.units import DrawingLevel, DrawingUnit, build_levels
from blockspace.graph import Graph, Node

DOT_SHAPES = {
    "input": "oval", "output": "oval", "split": "trapezium", "concat": "invtrapezium", "copy": "diamond", "join": "circle",
    "transform": "box",
}  # fmt: skip
MERMAID_SHAPES = {
    "input": '(["{}"])', "output": '(["{}"])', "split": '[/"{}"\\]', "concat": '[\\"{}"/]', "copy": '{{"{}"}}', "join": '(("{}"))',
    "transform": '["{}"]',
}  # fmt: skip
MERMAID_STYLES = {"split": "stroke:#7c3aed,stroke-width:2px", "merge": "stroke:#0f8f80,stroke-width:2px"}
MERMAID_CLASSES = {"split": "split", "copy": "split", "concat": "merge", "join": "merge"}


def to_dot(graph: Graph) -> str:
    """Return the graph as dot text: a node for each step, blocks as clusters, channels at edges."""
    steps = StepGraph.of(graph)
    lines = [f"digraph {_quote_dot(graph.name)} {{", "  node [fontname=Helvetica];", *_write_dot_nodes(steps.level, steps.ids, 1)]
    lines += [f'  {steps.ids[a]} -> {steps.ids[b]} [label="{value.shape[0]}"];' for a, b, value in steps.links]
    return "\n".join([*lines, "}"]) + "\n"


def to_mermaid(graph: Graph) -> str:
    """Return the graph as Mermaid text: a node for each step, blocks as subgraphs, channels at edges."""
    steps = StepGraph.of(graph)
    lines = ["flowchart TD", *_write_mermaid_nodes(steps.level, steps.ids, 1)]
    lines += [f"  {steps.ids[a]} -->|{value.shape[0]}| {steps.ids[b]}" for a, b, value in steps.links]
    lines += [f"  classDef {name} {style}" for name, style in MERMAID_STYLES.items()]
    for name in MERMAID_STYLES:
        members = [steps.ids[unit] for unit in steps.ids if MERMAID_CLASSES.get(unit.kind) == name]
        lines += [f"  class {','.join(members)} {name}"] * bool(members)
    return "\n".join(lines) + "\n"


@dataclass
class StepGraph:
    """The steps of a graph over all blocks: `ids` names each step, a link is (source, target, the value between)."""

    level: DrawingLevel
    ids: dict[DrawingUnit, str]
    links: list[tuple[DrawingUnit, DrawingUnit, Node]]

    @classmethod
    def of(cls, graph: Graph) -> StepGraph:
        """Return the steps of a graph, numbered in execution order, and the values between them."""
        level = build_levels(graph)
        steps = list(_iterate_steps(level))
        unit_of = {node.name: unit for unit in steps for node in unit.nodes}
        links = []
        for unit in steps:
            for node in unit.nodes:
                links += [(unit_of[name], unit, graph[name]) for name in node.inputs if unit_of[name] is not unit]
                if unit.kind == "split":
                    break  # all parts read one value
        links.append((unit_of[graph.output], steps[-1], graph[graph.output]))
        return cls(level, {unit: f"n{i}" for i, unit in enumerate(steps)}, links)


def _iterate_steps(level: DrawingLevel) -> Iterator[DrawingUnit]:
    """Yield the steps of a level and of the blocks in it, in execution order."""
    for unit in level.units:
        if unit.level is None:
            yield unit
        else:
            yield from _iterate_steps(unit.level)


def _write_dot_nodes(level: DrawingLevel, ids: dict[DrawingUnit, str], depth: int) -> list[str]:
    """Return the lines of the nodes of a level, blocks as clusters."""
    lines, indent = [], "  " * depth
    for unit in level.units:
        if unit.level is None:
            text = "\n".join(filter(None, (unit.label, unit.note)))
            lines.append(f"{indent}{ids[unit]} [shape={DOT_SHAPES[unit.kind]}, label={_quote_dot(text)}];")
        else:
            lines.append(f"{indent}subgraph {_quote_dot(f'cluster_{unit.name}')} {{")
            lines += [f"{indent}  label={_quote_dot(unit.label)};", *_write_dot_nodes(unit.level, ids, depth + 1), f"{indent}}}"]
    return lines


def _write_mermaid_nodes(level: DrawingLevel, ids: dict[DrawingUnit, str], depth: int) -> list[str]:
    """Return the lines of the nodes of a level, blocks as subgraphs."""
    lines, indent = [], "  " * depth
    for unit in level.units:
        if unit.level is None:
            text = "<br/>".join(map(_escape_mermaid, filter(None, (unit.label or "copy", unit.note))))
            lines.append(indent + ids[unit] + MERMAID_SHAPES[unit.kind].format(text))
        else:
            title = f'{indent}subgraph block_{unit.name.replace(".", "_")}["{_escape_mermaid(unit.label)}"]'
            lines += [title, *_write_mermaid_nodes(unit.level, ids, depth + 1), f"{indent}end"]
    return lines


def _quote_dot(text: str) -> str:
    """Return a text as a quoted dot string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _escape_mermaid(text: str) -> str:
    """Return a text with Mermaid's entities; `+` too, which would start a list in Markdown."""
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;").replace("+", "#43;")
