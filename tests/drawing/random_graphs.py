"""Random graphs: any directed acyclic graph the ops allow, far beyond what a block would be written as."""

from __future__ import annotations

from hypothesis import strategies as st

from blockspace.graph import Graph
from blockspace.ops import OPS, Add, Concat, Conv, Part


@st.composite
def graphs(draw, most: int = 18) -> Graph:
    """Values of 4 channels joined at will; all that is left unread is concatenated at the end."""
    graph = Graph((4, 6, 6), "random")
    values, unread = ["input"], {"input"}
    for i in range(draw(st.integers(0, most))):
        what = draw(st.sampled_from(["conv", "relu", "add", "add3", "mul", "concat", "parts"]))
        sources = [draw(st.sampled_from(values[-6:])) for _ in range({"add": 2, "add3": 3, "mul": 2, "concat": 3}.get(what, 1))]
        path = draw(st.sampled_from(["", "a.", "b.", "a.c."]))
        values.append(added(graph, what, sources, f"{path}{what}{i}"))
        unread = (unread - set(sources)) | {values[-1]}
    if len(unread) > 1:
        graph.add(Concat(), *sorted(unread), name="end")
    return graph.verify()


def added(graph: Graph, what: str, sources: list[str], name: str) -> str:
    """The name of a value of 4 channels."""
    if what == "conv":
        return graph.add(Conv(4, 4, (1, 1)), *sources, name=name).name
    if what == "relu":
        return graph.add(OPS["relu"](), *sources, name=name).name
    if what in ("add", "add3"):
        return graph.add(Add(), *sources, name=name).name
    if what == "mul":
        return graph.add(OPS["mul"](), *sources, name=name).name
    if what == "concat":
        wide = graph.add(Concat(), *sources, name=f"{name}_wide").name
        return graph.add(Conv(12, 4, (1, 1)), wide, name=name).name
    low = graph.add(Part(0, 2), *sources, name=f"{name}_low").name
    high = graph.add(Part(2, 4), *sources, name=f"{name}_high").name
    return graph.add(Concat(), high, low, name=name).name
