"""An activation behind a concat of convolutions goes to each of them, where runtimes compute it with the convolution."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Activation, Concat, Conv
from blockspace.passes.draft import Draft
from blockspace.passes.match import Match
from blockspace.passes.rule import MERGE, rule


def example() -> Graph:
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 3, (1, 1)), "input", name="a")
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1)), "input", name="b")
    graph.add(Concat(), "a", "b", name="concat")
    graph.add(OPS["relu"](), "concat", name="relu")
    return graph


@rule("f([W₁ ∗ x₁; …; Wₖ ∗ xₖ]) = [f(W₁ ∗ x₁); …; f(Wₖ ∗ xₖ)]", at=Activation, rank=MERGE, example=example, pipeline="deploy",
      crosses=True)  # fmt: skip
def activation_before_concat(graph: Draft, node: Node) -> Match | str:
    """The canonical form has it behind the concat, so that norms merge; with the norms folded it belongs right behind the convolution."""
    concat = graph.source(node)
    if not isinstance(concat.op, Concat) or graph.reader(concat) is None:
        return "it does not follow a concat that it alone reads"
    if not node.op.channelwise or not all(isinstance(value.op, Conv) and graph.reader(value) for value in graph.inputs(concat)):
        return f"{concat.name} is not of convolutions that it alone reads"
    match = Match(graph)
    done = [match.add(node.op, value.name, of=[value], last=node.op.name) for value in graph.inputs(concat)]
    return match.put(node, match.add(Concat(), *done, of=[concat], same=True))
