"""Blocks and networks in YAML, and their expansion to graphs."""

from blockspace.blocks.given import absent, outside, unknown
from blockspace.blocks.holes import Hole, Holes, Options, Range, Unknown, domain, spelled
from blockspace.blocks.library import families, files, find, names
from blockspace.blocks.load import load, path_of, unchecked
from blockspace.blocks.probe import Asked, Place, Probe, Refuted, Wanted, places, used
from blockspace.blocks.reading import words
from blockspace.blocks.reading.origin import LIBRARIES, Published, published, reference_pattern
from blockspace.blocks.settled import settled
from blockspace.blocks.template import Block, Network
from blockspace.blocks.values.expr import number

__all__ = [
    "LIBRARIES", "Asked", "Block", "Hole", "Holes", "Network", "Options", "Place", "Probe", "Published", "Range", "Refuted",
    "Unknown", "Wanted", "absent", "domain", "families", "files", "find", "load", "names", "number", "outside", "path_of", "places",
    "published", "reference_pattern", "settled", "spelled", "unchecked", "unknown", "used", "words",
]  # fmt: skip
