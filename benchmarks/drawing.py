"""How long a drawing takes: SVG of graphs of growing size, and PNG of the same.

    python benchmarks/drawing.py

Prints CPU milliseconds (median of 20) per graph, and the ratio to expanding the same YAML to its graph, measured side by side.
"""

from __future__ import annotations

from statistics import median
from time import process_time

from blockspace import load

GRAPHS = [("hs_bottleneck", {}), ("hs_block", {"splits": 10}), ("resnext_a", {}), ("googlenet", {}), ("hs_resnet50", {})]


REPEATS = 20


def ms(act, repeats: int) -> float:
    """Median CPU time of one call in milliseconds, after a first one."""
    act()
    times = []
    for _ in range(repeats):
        start = process_time()
        act()
        times.append(process_time() - start)
    return 1000 * median(times)


def main() -> None:
    print(f"{'graph':<15} {'nodes':>5}  {'expand':>8}  {'svg':>8}  {'ratio':>5}  {'png':>8}")
    for name, settings in GRAPHS:
        template = load(name, **settings)
        shape = template.usual_shape
        graph = template.graph(shape)
        expand, svg, png = ms(lambda: template.graph(shape), REPEATS), ms(graph.svg, REPEATS), ms(graph.png, min(3, REPEATS))  # noqa: B023
        label = name + "".join(f" {value}" for value in settings.values())
        print(f"{label:<15} {len(graph):>5}  {expand:>5.1f} ms  {svg:>5.1f} ms  {svg / expand:>5.2f}  {png:>5.0f} ms")


if __name__ == "__main__":
    main()
