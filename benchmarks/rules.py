"""The rules: equation, where each fires in the library, what it saves; and how long rewriting takes.

    python benchmarks/rules.py

Times are of one thread, the least of five turns. `form a` is ResNeXt-50 (32x4d) with every block written as 32 branches.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path

import blockspace as bs
from blockspace.blocks import families, names
from blockspace.graph import Graph
from blockspace.passes import column, rewrite

ROUNDS = 5


def form_a() -> Graph:
    """ResNeXt-50 of `resnext_a` blocks."""
    text = (files("blockspace.blocks") / "library/networks/resnext50_32x4d.yaml").read_text()
    text = text.partition("variants:")[0].replace("block: resnext,", "block: resnext_a,")
    text = text.replace("network: resnext50_32x4d", "network: form_a")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form_a.yaml"
        path.write_text(text)
        return bs.load(str(path)).graph()


def least(act) -> float:
    """Milliseconds."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        act()
        found.append(time.perf_counter() - start)
    return 1e3 * min(found)


def main() -> None:
    fires, saves = defaultdict(Counter), defaultdict(Counter)
    for name in [*names("block"), *families()]:
        template = bs.load(name)
        graph = template.graph(template.usual_shape) if name in names("block") else template.graph()
        for step in rewrite(graph).steps:
            fires[step.rule.name][name] += 1
            saves[step.rule.name].update(step.saves)
    for rule in column():
        where = ", ".join(f"{name} {count}x" for name, count in fires[rule.name].most_common(6))
        more = f" and {len(fires[rule.name]) - 6} more" if len(fires[rule.name]) > 6 else ""
        saved = ", ".join(f"{number:,} {what}" for what, number in saves[rule.name].items() if number)
        print(f"{rule.name}: {rule.equation}\n    fires in {where or 'no library file'}{more}\n    saves {saved or 'nothing'}")
    a, c = form_a(), bs.load("resnext50_32x4d").graph()
    assert a.key() == c.key() and a.key() == rewrite(a).after.key()
    for what, graph in (("resnet50", bs.load("resnet50").graph()), ("resnext50 in form a", a)):
        form = rewrite(graph).after
        times = f"canonical {least(lambda g=graph: rewrite(g)):.1f} ms, key {least(form.key):.2f} ms"
        print(f"{what}: {len(graph)} nodes become {len(form)}; {times}")


if __name__ == "__main__":
    main()
