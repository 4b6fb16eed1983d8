from .latency import Latency as Latency, measure_graphs as measure_graphs, paired_ratio as paired_ratio
from .runtime import (
    Clock as Clock,
    Runtime as Runtime,
    load_runtime as load_runtime,
    register_runtime as register_runtime,
    runtime_names as runtime_names,
)
