"""Blocks and networks in YAML, and their expansion to graphs."""

from blockspace.blocks.expr import number
from blockspace.blocks.holes import Hole, Holes, Options, Range, Unknown, domain
from blockspace.blocks.library import find, names
from blockspace.blocks.load import load, locate, unchecked
from blockspace.blocks.settled import settled
from blockspace.blocks.template import Block, Network

__all__ = [
    "Block",
    "Hole",
    "Holes",
    "Network",
    "Options",
    "Range",
    "Unknown",
    "domain",
    "find",
    "load",
    "locate",
    "names",
    "number",
    "settled",
    "unchecked",
]
