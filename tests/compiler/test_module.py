"""compile: shapes, params and macs as the ops predict, names, initialisation, in-place safety."""

import pytest
import torch
from graphs import KINDS, Sketch, network, one_op
from torch import fx
from torch.utils.flop_counter import FlopCounterMode

from blockspace.compiler import compile
from blockspace.compiler.init import POLICIES
from blockspace.compiler.module import resolve_target
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph, plan_execution
from blockspace.ops import OPS, BatchNorm, Conv, Part


@pytest.mark.parametrize("name", sorted(set(OPS) - {"input"}))
def test_every_op_is_what_it_predicts(name):
    graph = one_op(name)
    module = compile(graph, seed=0)
    counter = FlopCounterMode(display=False)
    with counter:
        y = module(torch.randn(2, *graph.input_shape))
    assert tuple(y.shape[1:]) == graph.output_shape
    op = graph["op"].op
    assert sum(p.numel() for p in module.parameters()) == op.params()
    assert counter.get_total_flops() == 2 * 2 * op.macs(graph.output_shape)


def test_every_target_exists_in_torch():
    for name in sorted(set(OPS) - {"input"}):
        call = one_op(name)["op"].call
        assert call is None or resolve_target(call.target)
    with pytest.raises(BlockspaceError, match="does not exist in this version of torch"):
        resolve_target("torch.nn.functional.rellu")


@pytest.mark.parametrize("kind", KINDS)
def test_networks_run_at_other_sizes_and_lint(kind):
    graph = network(kind)
    module = compile(graph, seed=0).eval()
    module.graph.lint()
    assert module(torch.randn(1, 3, 16, 16)).shape == (1, *graph.output_shape)
    assert module(torch.randn(2, 3, 24, 20)).shape == (2, *graph.output_shape)


def test_names_are_the_nodes_names_in_their_order():
    keys = list(compile(network("bottleneck")).state_dict())
    assert keys[:2] == ["stem.conv3x3.conv.weight", "stem.conv3x3.norm.weight"]
    assert "stage2.block1.skip.shortcut.conv.weight" in keys
    assert keys[-2:] == ["head.linear.weight", "head.linear.bias"]


HARD = [("type", "call it 'type_'"), ("stem.forward", "call it 'forward_'"), ("a.b", "inside the layer 'a'")]


@pytest.mark.parametrize("name, told", HARD)
def test_names_torch_cannot_hold_are_refused(name, told):
    graph = Graph((3, 4, 4))
    graph.add(BatchNorm(3), "input", name="a")
    graph.add(BatchNorm(3), "a", name=name)
    with pytest.raises(BlockspaceError) as caught:
        compile(graph)
    assert caught.value.mistakes[0].code == "E-NAME" and told in caught.value.render()


# -- initialisation --------------------------------------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_weights_and_leaves_torch_alone():
    graph = network("se")
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = compile(graph, seed=3).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(2)
    second, other = compile(graph, seed=3).state_dict(), compile(graph, seed=4).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["head.linear.weight"], other["head.linear.weight"])


def test_without_a_seed_the_global_generator_decides():
    def weights(seed):
        torch.manual_seed(seed)
        return compile(network("se")).state_dict()["head.linear.weight"]

    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))


def test_default_init_is_he_normal_over_fan_out():
    graph = Graph((64, 4, 4))
    graph.add(Conv(64, 128, (3, 3), bias=True), "input", name="conv")
    graph.add(BatchNorm(128), "conv", name="norm")
    module = compile(graph, seed=0)
    assert module.conv.weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
    assert module.conv.bias.abs().max() == 0 and module.norm.weight.min() == 1 and module.norm.bias.abs().max() == 0
    assert module.norm.running_var.min() == 1 and module.norm.running_mean.abs().max() == 0 and module.norm.num_batches_tracked == 0


def test_weights_of_functions_start_at_their_value():
    for init in POLICIES:
        module = compile(network("convnext"), init=init)
        unit = module.stage2.block1.unit.main
        assert unit.scale.weight.shape == (8, 1, 1) and torch.all(unit.scale.weight == 0.1)
        assert unit.norm.weight.min() == 1 and unit.norm.bias.abs().max() == 0 and isinstance(unit.norm.weight, torch.nn.Parameter)


def test_the_torch_policy_is_what_the_layers_draw_themselves():
    graph = Graph((8,))
    graph.add(OPS["linear"](8, 16), "input", name="fc")
    torch.manual_seed(0)
    ours = compile(graph, init="torch").fc
    torch.manual_seed(0)
    theirs = torch.nn.Linear(8, 16)
    assert torch.allclose(ours.weight, theirs.weight) and torch.allclose(ours.bias, theirs.bias)


def test_an_unknown_policy_is_told_the_nearest():
    with pytest.raises(BlockspaceError) as caught:
        compile(network("se"), init="defualt")
    assert "did you mean 'default'?" in caught.value.render() and set(POLICIES) == {"default", "torch"}


def test_layers_are_plain_torch_layers():
    assert {type(m) for m in compile(network("hs")).modules() if not list(m.children())} == {
        torch.nn.Conv2d, torch.nn.BatchNorm2d, torch.nn.Linear,
    }  # fmt: skip


# -- in place --------------------------------------------------------------------------------------------------------------------------


def in_place_nodes(graph):
    return {step.name for step in plan_execution(graph).steps if step.call.kwargs.get("inplace")}


def test_in_place_only_where_nobody_else_can_see_it():
    s = Sketch((8, 4, 4), "places")
    s.add("relu", name="on_input")
    conv = s.conv("first", 8, act=None)
    s.add("relu", name="two_readers")
    s.add(OPS["add"](), s.at, conv, name="sum")
    s.add("relu", name="on_sum")
    s.add("silu", name="on_activation")
    s.conv("second", 8, act=None)
    s.add(OPS["dropout"](0.5), name="dropout")
    s.add("relu", name="on_dropout")
    s.conv("third", 8, act=None)
    s.add(Part(0, 4), name="part")
    s.add("relu", name="on_view")
    s.conv("fourth", 8, act=None)
    s.add("identity", name="identity")
    s.add("relu", name="through_identity")
    s.add("sigmoid", name="sigmoid")
    s.add("relu", name="on_sigmoid")
    assert in_place_nodes(s.graph) == {"on_sum", "through_identity"}


def test_a_block_never_writes_over_its_input():
    s = Sketch((8, 4, 4), "border")
    s.conv("conv", 8, act=None)
    s.graph.scope("block", "unit", s.at)
    s.add("relu", name="block.relu")
    s.conv("block.conv", 8, act=None)
    s.add("relu", name="outside")
    assert in_place_nodes(s.graph) == {"outside"}


@pytest.mark.parametrize("kind", KINDS)
def test_in_place_changes_no_output_and_no_gradient(kind):
    graph = network(kind)
    module = compile(graph, seed=0).double()
    plain = compile(graph, seed=0).double()
    for node in plain.graph.nodes:
        node.kwargs = {key: value for key, value in node.kwargs.items() if key != "inplace"}
    plain.recompile()
    assert isinstance(plain, fx.GraphModule) and "inplace" in module.code and "inplace" not in plain.code
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    torch.manual_seed(0)
    a = module(x)
    torch.manual_seed(0)
    b = plain(x)
    assert torch.equal(a, b)
    a.square().sum().backward(), b.square().sum().backward()
    assert all(torch.allclose(p.grad, q.grad, rtol=1e-12, atol=1e-12) for p, q in zip(module.parameters(), plain.parameters()))
