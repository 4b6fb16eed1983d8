"""Methods that higher floors implement: found by name, imported when they are called."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from blockspace.extensions import _PROVIDERS, load_extension
from blockspace.graph import Graph


@pytest.mark.parametrize("name", sorted(_PROVIDERS))
def test_every_extension_exists_and_a_graph_has_its_methods(name):
    package, _, function = _PROVIDERS[name].partition(":")
    assert load_extension(name) is getattr(import_module(package), function)
    if name.startswith("graph_"):  # the others fill registries
        assert hasattr(Graph, name.removeprefix("graph_")) or name == "graph_html"


def test_one_that_nobody_registered():
    with pytest.raises(KeyError, match="nothing"):
        load_extension("nothing")


def test_a_graph_imports_neither_rules_nor_drawings():
    code = """import sys
from blockspace.graph import Graph
graph = Graph((3, 4, 4))
seen = [name for name in ("blockspace.passes", "blockspace.drawing", "networkx") if name in sys.modules]
assert not seen, seen
graph.key(), graph.mermaid()
assert "blockspace.passes" in sys.modules and "blockspace.drawing" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
