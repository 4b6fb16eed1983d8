"""Graph -> module, source text, weights and times. The first floor that imports torch."""

from blockspace.compiler.measure import Latency, measure_graphs, paired_ratio
from blockspace.compiler.module import compile
from blockspace.compiler.pretrained import Weights, load_pretrained, weights_of
from blockspace.compiler.prove import prove, proven
from blockspace.compiler.source import to_source
from blockspace.compiler.starting import start_from
from blockspace.compiler.timm_source import default_config, python_name, to_timm_source
from blockspace.compiler.transplant import transplant
from blockspace.compiler.weights import converted

__all__ = [
    "Latency", "Weights", "compile", "converted", "default_config", "load_pretrained", "measure_graphs", "paired_ratio", "prove",
    "proven", "python_name", "start_from", "to_source", "to_timm_source", "transplant", "weights_of",
]  # fmt: skip
