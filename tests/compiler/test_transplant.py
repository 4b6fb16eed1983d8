"""transplant: layers find their partners, and what does not fit is refused. That published networks are ours: `tests/library`."""

import pytest
import timm
import torch
import torchvision
from graphs import Sketch, network
from torch import nn
from torchvision.models import convnext

from blockspace import canonical, deploy, load
from blockspace.compiler import compile, transplant
from blockspace.errors import BlockspaceError
from blockspace.ops import OPS, BatchNorm
from blockspace.passes import rewriting


def disturbed(module):
    """The module in float64 and eval mode, with random norms and factors, so that a swapped pair of layers shows."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_(0, 0.1, generator=generator)
            elif tensor.ndim and tensor.numel() == len(tensor):
                tensor.uniform_(0.5, 1.5, generator=generator)
    return module.double().eval()


class Fork(nn.Module):
    """Two branches with layers of one shape, the short one first, registered in another order still."""

    def __init__(self):
        super().__init__()
        self.out = nn.Conv2d(8, 8, 1, bias=False)
        self.a1, self.a2 = nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(8, 8, 1, bias=False)
        self.b = nn.Conv2d(8, 8, 1, bias=False)

    def forward(self, x):
        b = self.b(x)
        return self.out(torch.relu(self.a2(self.a1(x).relu_()) + b))


def fork():
    s = Sketch((8, 5, 5), "fork")
    s.conv("long.c1", 8, norm=False)
    s.conv("long.c2", 8, norm=False, act=None)
    long = s.at
    s.conv("short.c", 8, norm=False, act=None, src="input")
    s.add("add", long, s.at, name="sum")
    s.add("relu", name="relu")
    s.conv("out", 8, norm=False, act=None)
    return s.graph


def test_branches_in_another_order_find_their_layers():
    theirs, ours = Fork(), compile(fork())
    for conv in ours.modules():
        if isinstance(conv, nn.Conv2d):
            conv.bias = None
    transplant(theirs, ours)
    x = torch.randn(2, 8, 5, 5)
    assert torch.allclose(theirs(x), ours(x), atol=1e-6)
    assert torch.equal(ours.short.c.conv.weight, theirs.b.weight)


def test_modes_weights_and_hooks_of_the_source_are_as_before():
    graph = network("hs")
    source, into = compile(graph, seed=0), compile(graph, seed=1)
    before = {key: tensor.clone() for key, tensor in source.state_dict().items()}
    source.head.eval()
    transplant(source, into)
    assert source.training and not source.head.training
    for module in (source, into):
        assert all(torch.equal(tensor, module.state_dict()[key]) for key, tensor in before.items())
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def assert_moved(theirs, ours, shape=(2, 3, 64, 64)):
    """After transplant both give the same output, and nothing of the destination is as it was."""
    x = torch.randn(shape, dtype=torch.float64)
    theirs, ours = disturbed(theirs), ours.double().eval()
    before = {name: p.clone() for name, p in ours.named_parameters() if p.numel() > 1}
    transplant(theirs, ours, example=x)
    with torch.inference_mode():
        expected, got = theirs(x), ours(x)
    assert (got - expected).abs().max() <= 1e-10 * expected.abs().max()
    assert all(not torch.equal(before[name], p) for name, p in ours.named_parameters() if name in before)


def test_linear_layers_are_convolutions_and_parameters_of_blocks_are_layers():
    """torchvision's ConvNeXt has linear layers with the channels last and (C, 1, 1) scales, timm's convolutions 1x1 and (C,) scales."""
    small = {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 32), "num_classes": 7}
    settings = [convnext.CNBlockConfig(*row) for row in ((8, 16, 1), (16, 24, 1), (24, 32, 2), (32, None, 1))]
    theirs = convnext.ConvNeXt(settings, stochastic_depth_prob=0.1, layer_scale=1e-6, num_classes=7)
    for conv_mlp in (True, False):
        assert_moved(theirs, timm.create_model("convnext_tiny", conv_mlp=conv_mlp, **small))


def test_repvgg_in_training_form():
    """Branches 3x3, 1x1 and a norm alone, that are summed."""
    theirs, ours = (timm.create_model("repvgg_a0", num_classes=5) for _ in range(2))
    assert_moved(theirs, ours, (2, 3, 32, 32))


def test_a_1d_convolution_is_one_of_height_1():
    assert_moved(timm.layers.EcaModule(12), compile(load("eca").graph((12, 6, 6))), (2, 12, 6, 6))


class Scaled(nn.Module):
    """A block that owns two parameters and a layer; one parameter is reshaped before it is used."""

    def __init__(self):
        super().__init__()
        self.gamma, self.shift = nn.Parameter(torch.rand(8)), nn.Parameter(torch.rand(8, 1, 1))
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x):
        return self.conv(x * self.gamma.reshape(1, -1, 1, 1)) * self.shift


def test_parameters_of_one_block_are_layers_of_their_own():
    s = Sketch((8, 5, 5), "scaled")
    s.add(OPS["scale"](8, "learned"), name="first")
    s.conv("conv", 8, norm=False, act=None)
    s.add(OPS["scale"](8, "learned"), name="second")
    theirs, ours = Scaled(), compile(s.graph)
    assert_moved(theirs, ours, (2, 8, 5, 5))
    assert torch.equal(ours.first.weight.flatten(), theirs.gamma) and torch.equal(ours.second.weight, theirs.shift)


class Frozen(nn.Module):
    """A norm whose statistics are written as arithmetic: all of it is one layer."""

    def __init__(self):
        super().__init__()
        self.norms = nn.Sequential(*(torchvision.ops.FrozenBatchNorm2d(8) for _ in range(2)))

    def forward(self, x):
        return self.norms(x)


def test_a_layer_of_several_functions_is_one_layer():
    theirs, ours = Frozen(), Sketch((8, 5, 5), "norms")
    for name in "ab":
        ours.add(BatchNorm(8), name=name)
    assert_moved(theirs, compile(ours.graph), (2, 8, 5, 5))


def test_rows_and_columns_are_not_the_same():
    convs = [nn.Sequential(nn.Conv2d(8, 8, k, padding="same"), nn.Conv2d(8, 8, k[::-1], padding="same")) for k in ((1, 7), (7, 1))]
    assert "it holds weight 8x8x7x1, bias 8; the source has 0 there with weight 8x8x1x7" in refusal(*convs, example=torch.zeros(1, 8, 9, 9))


def refusal(source, into, **options):
    before = {key: tensor.clone() for key, tensor in into.state_dict().items()}
    with pytest.raises(BlockspaceError) as caught:
        transplant(source, into, **options)
    assert caught.value.mistakes[0].code == "E-WEIGHTS"
    assert all(torch.equal(tensor, into.state_dict()[key]) for key, tensor in before.items())
    return caught.value.render()


def chain(*widths):
    s = Sketch((3, 8, 8), "chain")
    for i, width in enumerate(widths, 1):
        s.conv(f"conv{i}", width)
    return compile(s.graph)


def test_the_first_layer_that_differs_is_named():
    told = refusal(chain(8, 8, 8), chain(8, 12, 8))
    assert "layers differ from conv2.conv on: it holds weight 12x8x1x1; the source has conv2.conv there with weight 8x8x1x1" in told
    assert "the source runs 6 layers with weights, the destination 4; the first without a partner is conv3.conv of the source" in refusal(
        chain(8, 8, 8), chain(8, 8)
    )


def test_an_example_is_asked_for():
    pair = [nn.Sequential(nn.Conv2d(3, 4, 1)) for _ in range(2)]
    assert "example=torch.zeros(2, C, H, W)" in refusal(*pair)
    transplant(*pair, example=torch.zeros(1, 3, 4, 4))
    assert torch.equal(pair[0][0].weight, pair[1][0].weight)
    assert "does not run on an input of 1x5x4x4" in refusal(*pair, example=torch.zeros(1, 5, 4, 4))


def test_the_weights_of_another_form_are_mapped_without_rewriting_again(monkeypatch):
    graph = load("resnext_a").graph((256, 56, 56))
    form = canonical(graph)
    fast = deploy(form)
    module = compile(graph, seed=0)
    monkeypatch.setattr(rewriting, "run_rules", None)
    trained = compile(form, weights_from=module)
    compile(fast, weights_from=trained)
    again = compile(graph, weights_from=trained).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in module.state_dict().items())


# -- siblings of one shape -----------------------------------------------------------------------------------------------------------------


class Siblings(nn.Module):
    """Branches of one shape, run in an `order`, joined by name."""

    def __init__(self, order, join="cat", depth=2):
        super().__init__()
        self.order, self.join = order, join
        self.branch = nn.ModuleDict({
            name: nn.Sequential(*(nn.Conv2d(4, 4, 3, padding=1, bias=False) for _ in range(depth))) for name in sorted(order)
        })  # fmt: skip
        self.out = nn.Conv2d(4 * len(order) if join != "sum" else 4, 4, 1)

    def forward(self, x):
        made = {name: self.branch[name](x) for name in self.order}
        values = [torch.relu(made[name]) * (2 + i) for i, name in enumerate(sorted(made))]
        if self.join == "cat":
            return self.out(torch.cat(values, 1))
        if self.join == "sum":
            return self.out(sum(values))
        return self.out(torch.stack(values, 1).flatten(1, 2))  # the same, written otherwise


@pytest.mark.parametrize("orders", [("ab", "ba"), ("abc", "cab"), ("abcd", "dcba")])
@pytest.mark.parametrize("joins", [("cat", "cat"), ("cat", "stack"), ("sum", "sum")])
@pytest.mark.parametrize("example", [None, "zeros", "normal"])
def test_siblings_of_one_shape_in_another_order(orders, joins, example):
    theirs, ours = (Siblings(order, join) for order, join in zip(orders, joins))
    x = torch.randn(2, 4, 6, 6)
    given = torch.zeros(2, 4, 6, 6) if example in (None, "zeros") else x
    transplant(theirs, ours, example=given)
    torch.testing.assert_close(ours(x), theirs(x))
    assert all(torch.equal(ours.branch[name][0].weight, theirs.branch[name][0].weight) for name in orders[0])


class Interleaved(nn.Module):
    """Two branches of two layers of one shape, run layer by layer or branch by branch."""

    def __init__(self, by_layer):
        super().__init__()
        self.by_layer = by_layer
        self.a1, self.a2, self.b1, self.b2 = (nn.Linear(5, 5) for _ in range(4))

    def forward(self, x):
        if self.by_layer:
            b, a = self.b1(x), self.a1(x)
            b, a = self.b2(b), self.a2(a)
        else:
            a, b = self.a2(self.a1(x)), self.b2(self.b1(x))
        return a * b


def test_a_branch_is_not_paired_with_another_behind_its_first_layer():
    theirs, ours = Interleaved(True), Interleaved(False)
    transplant(theirs, ours, example=torch.zeros(2, 5))
    x = torch.randn(3, 5)
    torch.testing.assert_close(ours(x), theirs(x))


class Other(Siblings):
    """The same layers, of which another function is computed."""

    def forward(self, x):
        made = [self.branch[name](x) for name in self.order]
        return self.out(torch.cat([torch.tanh(v) for v in made], 1))


def test_a_pair_whose_values_differ_is_named():
    told = refusal(Siblings("ab"), Other("ab"), example=torch.zeros(2, 4, 6, 6))
    assert "the modules differ on the example input" in told
    assert "out of the destination got the weights of out, whose values are others" in told


def test_modules_that_only_round_otherwise_agree():
    theirs, ours = (nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, eps=eps), nn.Conv2d(4, 4, 1)) for eps in (1e-5, 1e-4))
    transplant(theirs, ours, example=torch.zeros(2, 4, 3, 3))


# -- types and devices ---------------------------------------------------------------------------------------------------------------------


def forms():
    graph = load("resnext_a").graph((64, 8, 8))
    return graph, canonical(graph), deploy(graph)


@pytest.mark.parametrize("wide", [True, False])
def test_folding_keeps_the_digits_of_float64(wide):
    """Also where the source is another library's module, and the destination was made in 32 bits."""
    graph, _, fast = forms()
    source = disturbed(compile(graph, seed=0))
    plain = nn.Sequential(source)
    x = torch.randn(2, 64, 8, 8, dtype=torch.float64)
    for src in (source, plain):
        into = compile(fast)
        transplant(src, into.double() if wide else into, example=x)
        assert next(into.parameters()).dtype == torch.float64
        with torch.inference_mode():
            torch.testing.assert_close(into.eval()(x), source(x), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_that_are_taken_keep_their_type(dtype):
    graph, form, fast = forms()
    source = compile(graph, seed=0).to(dtype)
    for target in (graph, form, fast):
        made = compile(target, weights_from=source)
        assert {t.dtype for t in made.state_dict().values() if t.is_floating_point()} == {dtype}
    again = compile(graph, weights_from=compile(form, weights_from=source)).state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in source.state_dict().items())


def test_a_narrow_source_does_not_narrow_a_module_that_is_there():
    graph, form, fast = forms()
    source = compile(graph, seed=0).to(torch.bfloat16)
    for target in (graph, form, fast):
        into = transplant(source, compile(target))
        assert {t.dtype for t in into.state_dict().values() if t.is_floating_point()} == {torch.float32}


def test_counters_and_tensors_on_other_devices_are_taken():
    graph, form, fast = forms()
    source = compile(graph, seed=0)
    for name, buffer in source.named_buffers():
        buffer.fill_(7) if name.endswith("num_batches_tracked") else None
    made = transplant(nn.Sequential(source), compile(form), example=torch.zeros(2, 64, 8, 8))
    assert {int(t) for name, t in made.state_dict().items() if name.endswith("num_batches_tracked")} == {7}
    ghost = compile(form).to("meta")
    assert all(t.is_meta for t in transplant(source, ghost).state_dict().values()), "nothing is computed, and nothing fails"
    assert "on the meta device and holds no numbers" in refusal(source.to("meta"), compile(fast))
