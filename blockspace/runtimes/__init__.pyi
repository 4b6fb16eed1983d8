from .latency import Latency as Latency
from .latency import measure_graphs as measure_graphs
from .latency import paired_ratio as paired_ratio
from .runtime import Clock as Clock
from .runtime import Runtime as Runtime
from .runtime import load_runtime as load_runtime
from .runtime import register_runtime as register_runtime
from .runtime import runtime_names as runtime_names
