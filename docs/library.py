"""mkdocs hook for docs/library.md: each block and network with its picture, equation, costs, source and proof, made from the YAML files.

`<!-- library: block -->` and `<!-- library: network -->` become the sections; the pictures are drawn when the site is built and not kept.
"""

from __future__ import annotations

import re

from blockspace.blocks import list_families, list_names, load, parse_reference
from blockspace.costs import cost
from blockspace.formatting import format_si
from blockspace.graph import Graph

MARKER = re.compile(r"<!-- library: (block|network) -->")
PICTURES = "images/library"
LINK = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
PAPER_PROOF = "a re-implementation from the paper, in the tests"


def on_page_markdown(markdown: str, **_) -> str:
    """mkdocs calls this for every page."""
    return MARKER.sub(lambda match: "\n".join(map(SECTIONS[match[1]], members(match[1]))), markdown)


def on_files(files, config, **_):
    """mkdocs calls this once: the pictures join the site's files."""
    from mkdocs.structure.files import File

    for kind in SECTIONS:
        for name in members(kind):
            files.append(File.generated(config, f"{PICTURES}/{name}.svg", content=drawn(name).svg(theme="light")))
    return files


def members(kind: str) -> list[str]:
    """What has a section of its own: every block, and every network that has a file."""
    return list_names("block") if kind == "block" else list_families()


def drawn(name: str) -> Graph:
    """The graph of a block at its usual shape, or of a network."""
    template = load(name)
    return template.graph(template.usual_shape)


def block_section(name: str) -> str:
    """One block: what it is, its equation, picture, costs and proof."""
    block, graph = load(name), drawn(name)
    found, size = cost(graph), "x".join(map(str, graph.input_shape))
    about = f"{found.params:,} params, {found.macs:,} macs at {size}. {proof(block.reference)}"
    return "\n".join([*opening(block), f"```text\n{block.equation}\n```\n" if block.equation else "", picture(name), f"{about}\n"])


def network_section(name: str) -> str:
    """One family: what it is, its picture, and a row for each member."""
    family = load(name)
    rows = [member_row(load(one)) for one in (name, *family.variants)]
    head = ["| name | input | params | macs | compared with |", "| --- | --- | ---: | ---: | --- |"]
    return "\n".join([*opening(family), picture(name), "\n".join([*head, *rows]) + "\n"])


def member_row(network) -> str:
    """A network's name, costs, and what it was compared with."""
    graph = network.graph()
    found, size = cost(graph), "x".join(map(str, graph.input_shape))
    return f"| `{network.name}` | {size} | {found.params:,} | {format_si(found.macs)} | {judge(network.reference)} |"


def opening(template) -> list[str]:
    """The heading, what it is, and where it is from."""
    return [f"### {template.name}\n", f"{template.doc}\n", f"Source: {LINK.sub(linked, template.paper)}\n" if template.paper else ""]


def linked(match: re.Match) -> str:
    return f"[{match[0]}](https://arxiv.org/abs/{match[1]})"


def picture(name: str) -> str:
    return f"![{name}]({PICTURES}/{name}.svg)\n"


def proof(reference: str) -> str:
    return f"Same outputs and gradients as {judge(reference)}." if reference else ""


def judge(reference: str) -> str:
    """What it was compared with, in words."""
    if reference == "paper":
        return PAPER_PROOF
    model = parse_reference(reference)
    library, _, text = reference.partition(":")
    return f"{library}'s `{model.name if model and not model.settings else text.strip()}`" if text else ""


SECTIONS = {"block": block_section, "network": network_section}
