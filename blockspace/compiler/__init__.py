"""Graph -> module, source text, weights and times. The first floor that imports torch."""

from blockspace.compiler.measure import Latency, measure_graphs, paired_ratio
from blockspace.compiler.module import compile
from blockspace.compiler.prove import prove
from blockspace.compiler.source import to_source
from blockspace.compiler.transplant import transplant
from blockspace.compiler.weights import converted

__all__ = ["Latency", "compile", "converted", "measure_graphs", "paired_ratio", "prove", "to_source", "transplant"]
