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
