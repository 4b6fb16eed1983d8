"""Blocks and networks from text, for tests."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from blockspace.blocks import Block, Network
from blockspace.blocks.template_file import TemplateFile
from blockspace.errors import BlockspaceError, Mistake
from blockspace.graph import Graph
from blockspace.reader import parse_yaml


def block(flow: str, head: str = "", path: str = "t.yaml", **settings) -> Block:
    """A block with this flow, and other keys in `head`."""
    text = f"format: blockspace/block/1\nblock: t\n{dedent(head).strip()}\nflow:\n{indent(dedent(flow).strip(), '  ')}\n"
    return Block(checked(text, path), settings)


def built(flow: str, shape=(8, 8, 8), head: str = "", **settings) -> Graph:
    """The graph of such a block; it verifies."""
    return block(flow, head, **settings).graph(shape)


def network(text: str, path: str = "n.yaml", **settings) -> Network:
    """A network of these keys below `format:` and `network:`."""
    return Network(checked(f"format: blockspace/network/1\nnetwork: n\n{dedent(text).strip()}\n", path), settings)


def checked(text: str, path: str) -> TemplateFile:
    """The file, without mistakes, as `load` reads it."""
    file = TemplateFile(parse_yaml(text, path), path).check()
    if file.mistakes:
        raise BlockspaceError(*file.mistakes)
    return file


def ops(graph: Graph) -> list[str]:
    """Each node after the input as `name=label(inputs)`, in order; batch norms and activations left out of long ones by the caller."""
    return [f"{node.name}={node.op.label()}({', '.join(node.inputs)})" for node in graph if node.kind != "input"]


def mistakes(make, *args, **kwargs) -> list[Mistake]:
    """The mistakes that `make(...)` raises."""
    with pytest.raises(BlockspaceError) as caught:
        make(*args, **kwargs)
    return list(caught.value.mistakes)


def mistake(make, *args, **kwargs) -> Mistake:
    """The one mistake that `make(...)` raises."""
    found = mistakes(make, *args, **kwargs)
    assert len(found) == 1, [m.render() for m in found]
    return found[0]
