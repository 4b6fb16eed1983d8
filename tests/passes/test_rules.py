"""Every rule of the registry: proven on its example, on library blocks and random graphs; wrong weight maps are noticed; promises hold."""

from __future__ import annotations

import pytest
import torch
from passes.narrow import blocks

from blockspace import BlockspaceError, Graph
from blockspace.blocks import list_names
from blockspace.compiler import compile, prove
from blockspace.compiler.proof.equivalence import find_difference
from blockspace.compiler.proof.prove_rules import prove_on_graph
from blockspace.compiler.weights.convert import apply_weight_map
from blockspace.ops import OPS, Conv, Scale
from blockspace.passes import RULES, ConcatExpr, Match, PadExpr, SliceExpr, SourceExpr, WeightExpr, WeightMap, pipeline_rules, rewrite, rule
from blockspace.passes.rule import TIDY

torch.set_num_threads(1)


@pytest.mark.parametrize("name", sorted(RULES))
def test_it_is_true(name):
    assert prove(RULES[name], samples=20, enough=2) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RULES))
def test_it_is_true_of_library_blocks(name):
    assert prove(RULES[name], blocks(), samples=60, enough=4) >= 1


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_wrong_map_is_noticed(name):
    """The first weight that the rule writes, or else the first there is, with its rows turned by one."""
    found = rewrite(RULES[name].example(), RULES[name].pipeline, [RULES[name]])
    assert not find_difference(found, found.after.form)
    written = {key for step in found.steps for key in step.weights}
    entries = dict(found.weights.entries)
    key = next(key for key in sorted(entries, key=lambda key: key not in written) if entries[key].shape[:1] > (1,))
    entries[key] = turned(entries[key])
    assert "differs" in find_difference(found, found.after.form, WeightMap(entries))


def turned(expr: WeightExpr) -> WeightExpr:
    rows = expr.shape[0]
    return ConcatExpr((SliceExpr(expr, 0, 1, rows), SliceExpr(expr, 0, 0, 1)))


@pytest.mark.parametrize("name", sorted({rule.name for rule in pipeline_rules()} - {"dead", "zero_through"}))  # these forget weights
def test_maps_go_back(name):
    """There and back again is where we were."""
    found = rewrite(RULES[name].example(), rules=[RULES[name]])
    state = compile(found.before, seed=0).state_dict()
    back = apply_weight_map(found.weights.inverse(), apply_weight_map(found.weights, state))
    assert back.keys() == state.keys() and all(torch.equal(back[key], state[key]) for key in state)


@pytest.mark.parametrize("graph", blocks(), ids=list_names("block"))
def test_the_whole_column_is_true(graph):
    assert not find_difference(rewrite(graph))


def test_each_says_its_equation():
    assert all(one.equation and one.doc and one.at for one in RULES.values())


# -- rules that break what they promise ------------------------------------------------------------------------------------------------


def made(match, **options):
    """A rule outside the registry, by default at convolutions."""
    return rule("f = g", rank=TIDY, example=conv, known={}, **({"at": Conv} | options))(match)


def conv() -> Graph:
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="conv")
    graph.add(OPS["relu"](), "conv", name="relu")
    return graph


def refused(bad) -> str:
    graph = conv()
    before = graph.as_dict()
    with pytest.raises(BlockspaceError) as caught:
        rewrite(graph, rules=[bad])
    assert graph.as_dict() == before and caught.value.mistakes[0].code == "E-RULE"
    return caught.value.mistakes[0].message


def instead(op, stack=True):
    """A match that puts this convolution in place of a 1x1 one."""

    def swap(graph, node):
        if node.op.kernel != (1, 1):
            return "done"
        match = Match(graph)
        new = match.add(op, *node.inputs, of=[node])
        if stack:
            match.weights[f"{new}.weight"] = SourceExpr("conv.weight", (4, 4, 1, 1))
        return match.put(node, new)

    return swap


def test_more_macs():
    bad = made(instead(Conv(4, 4, (3, 3), padding=(1, 1)), stack=False))
    assert "gives nothing for conv_2.weight" in refused(bad)

    def padded(graph, node):
        match = instead(Conv(4, 4, (3, 3), padding=(1, 1)))(graph, node)
        if not isinstance(match, str):
            match.weights["conv_2.weight"] = PadExpr(PadExpr(match.weights["conv_2.weight"], 2, 1, 1), 3, 1, 1)
        return match

    assert refused(made(padded)) == "the rule padded breaks its promise at conv: 3,600 macs in place of 400"
    dear = made(padded, costlier=True)
    assert rewrite(conv(), rules=[dear]).steps
    with pytest.raises(BlockspaceError, match="eval mode: the gradient of conv_2.weight differs"):
        prove(dear)  # the padding would be trained


def test_another_shape():
    assert refused(made(instead(Conv(4, 5, (1, 1))))).endswith("at conv: 5x5x5 in place of 4x5x5")


def test_a_weight_of_another_shape():
    def flat(graph, node):
        match = instead(Conv(4, 4, (1, 1), dilation=(2, 2)))(graph, node)
        match.weights["conv_2.weight"] = SourceExpr("conv.weight", (4, 4))
        return match

    assert "gives 4x4 for conv_2.weight, which holds 4x4x1x1" in refused(made(flat))


def test_it_raises():
    def raises(graph, node):
        return {}["nothing"]

    assert refused(made(raises)) == "the rule raises breaks its promise at conv: it raised KeyError: 'nothing'"


def test_it_never_ends():
    def again(graph, node):
        match = Match(graph)
        new = match.add(node.op, *node.inputs, of=[node])
        match.stack(new, [node])
        return match.put(node, new)

    assert "do not terminate, alternating between: again" in refused(made(again))


def test_an_untrue_rule_shows_its_counter_example():
    def mirrored(graph, node):
        if "_2" in node.name:
            return "done"
        match = Match(graph)
        new = match.add(node.op, *node.inputs, of=[node])
        match.weights[f"{new}.weight"] = turned(SourceExpr(f"{node.name}.weight", node.op.tensors()["weight"]))
        return match.put(node, new)

    with pytest.raises(BlockspaceError) as caught:
        prove(made(mirrored))
    text = caught.value.mistakes[0].message
    assert "the rule mirrored is not correct: eval mode: the output differs by" in text and "+ conv_2 = Conv(" in text


def test_a_counter_example_is_cut_down():
    """Of three places the first is shown, without what is behind it and beside it."""

    def flipped(graph, node):
        match = Match(graph)
        return match.put(node, match.add(Scale(4, -1.0), *node.inputs, of=[node]))

    graph = Graph((4, 5, 5))
    for name in ("a", "b", "c"):
        graph.add(Conv(4, 4, (1, 1)), "input", name=f"{name}.conv")
        graph.add(OPS["sigmoid"](), f"{name}.conv", name=f"{name}.sigmoid")
    graph.add(OPS["add"](), *(f"{name}.sigmoid" for name in ("a", "b", "c")), name="add")
    with pytest.raises(BlockspaceError) as caught:
        prove_on_graph(made(flipped, at=OPS["sigmoid"]), graph.verify())
    shown = caught.value.mistakes[0].message.splitlines()[1:]
    assert [line.partition(" = ")[0] for line in shown] == ["  input", "  a.conv", "- a.sigmoid", "+ a.sigmoid_2"]


def test_a_rule_without_an_example_proves_nothing():
    with pytest.raises(BlockspaceError, match="does not apply to its own example"):
        prove(made(lambda graph, node: "never"))


def test_a_border_is_not_crossed():
    graph = Graph((4, 5, 5))
    for name in ("a", "b"):
        graph.scope(name, "one", graph.output)
        graph.add(Conv(4, 4, (1, 1), bias=True), graph.output, name=f"{name}.conv")

    def both(draft, node):
        first = draft.source(node)
        if not isinstance(first.op, Conv) or first.op.kernel != node.op.kernel:
            return "no second"
        match = Match(draft)
        new = match.add(Conv(4, 4, (1, 1), bias=True), *first.inputs, of=[first, node])
        match.stack(new, [first])
        return match.put(node, new)

    assert not rewrite(graph, "deploy", [made(both, pipeline="deploy")]).steps
    assert rewrite(graph, "deploy", [made(both, pipeline="deploy", crosses=True)]).steps


def test_a_name_is_used_once():
    with pytest.raises(TypeError, match="two rules are called 'dead'"):

        @rule("x = x", at=Conv, rank=TIDY, example=conv)
        def dead(graph, node):
            return "never"


def test_why_not():
    from blockspace.passes import MutableGraph

    draft = MutableGraph(conv())
    assert RULES["identity"].why_not(draft, draft["relu"]) == "it changes its input"
    assert RULES["idempotent"].why_not(draft, draft["conv"]) == "looks at Activation, not at Conv"
    assert not RULES["dead"].why_not(draft, draft["relu"]) == ""
