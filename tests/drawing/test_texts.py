"""Mermaid, dot, and what a notebook shows."""

from __future__ import annotations

import re

import pytest
from cases import try_each

from blockspace import load
from blockspace.blocks import list_names
from blockspace.drawing import to_dot, to_mermaid

NODE = re.compile(r"  (n\d+)(\(\[\"[^\"]*\"\]\)|\[/\"[^\"]*\"\\\]|\[\\\"[^\"]*\"/\]|\{\"[^\"]*\"\}|\(\(\"[^\"]*\"\)\)|\[\"[^\"]*\"\])$")
EDGE = re.compile(r"  (n\d+) -->\|\d+\| (n\d+)$")
OTHER = re.compile(r"flowchart TD$| +subgraph \w+\[\"[^\"]*\"\]$| +end$|  classDef \w+ \S+$|  class [\w,]+ \w+$")


def test_mermaid():
    try_each(check_mermaid, list_names("block"))


def check_mermaid(name: str) -> None:
    template = load(name)
    lines = to_mermaid(template.graph(template.usual_shape)).splitlines()
    nodes = [m[1] for line in lines if (m := NODE.match("  " + line.lstrip()))]
    edges = [(m[1], m[2]) for line in lines if (m := EDGE.match(line))]
    assert len(set(nodes)) == len(nodes) and {end for edge in edges for end in edge} == set(nodes)
    assert all(OTHER.match(line) for line in lines if not NODE.match("  " + line.lstrip()) and not EDGE.match(line))
    assert sum("subgraph" in line for line in lines) == sum(line.strip() == "end" for line in lines)


def test_mermaid_of_a_small_block():
    assert to_mermaid(load("resnet_bottleneck").graph((256, 8, 8))).splitlines()[:6] == [
        "flowchart TD",
        '  n0(["input  256 × 8 × 8"])',
        '  n1{"copy"}',
        '  n2["conv1x1 256 → 64<br/>batch norm, relu"]',
        '  n3["conv3x3 64<br/>batch norm, relu"]',
        '  n4["conv1x1 64 → 256<br/>batch norm"]',
    ]


@pytest.mark.parametrize("name", ["hs_bottleneck", "resnext_a"])
def test_dot(name):
    template = load(name)
    text = to_dot(template.graph(template.usual_shape))
    assert text.startswith(f'digraph "{name}" {{') and text.count("{") == text.count("}")
    nodes = set(re.findall(r"^ +(n\d+) \[shape", text, re.M))
    assert nodes == {end for edge in re.findall(r"(n\d+) -> (n\d+)", text) for end in edge}


def test_notebooks():
    block, network = load("hs_block"), load("resnet18")
    graph = block.graph((64, 8, 8))
    assert graph._repr_svg_() == graph.svg() and graph.svg() in graph._repr_html_()
    assert block._repr_svg_() == block.svg() == block.graph((64, 56, 56)).svg()
    assert network.svg() in network._repr_html_() and "22 nodes" not in graph._repr_html_()
    assert graph._repr_html_().count("<tr>") == len(graph)
    assert block.png((64, 8, 8)).startswith(b"\x89PNG") and block.png((64, 8, 8), theme="auto") == graph.png()


def test_a_block_that_does_not_fit_its_usual_shape():
    block = load("hs_block", splits=80)
    assert block._repr_svg_() is None and "do not divide" in block._repr_html_() and block._repr_html_().startswith("<pre>")
