"""Graph -> module, source text, weights and times. The first floor that imports torch."""

from blockspace.compiler.compile import compile
from blockspace.compiler.measure import Latency, measure_graphs, paired_ratio
from blockspace.compiler.printing.source import to_source
from blockspace.compiler.printing.timm_source import default_config, python_name, to_timm_source
from blockspace.compiler.proof.prove import prove, proven
from blockspace.compiler.weights.maps import converted
from blockspace.compiler.weights.pretrained import Weights, load_pretrained, weights_of
from blockspace.compiler.weights.starting import start_from
from blockspace.compiler.weights.transplant import transplant

__all__ = [
    "Latency", "Weights", "compile", "converted", "default_config", "load_pretrained", "measure_graphs", "paired_ratio", "prove",
    "proven", "python_name", "start_from", "to_source", "to_timm_source", "transplant", "weights_of",
]  # fmt: skip
