"""transplant: layers find their partners, and what does not fit is refused. That published networks are ours: `tests/library`."""

import pytest
import torch
from graphs import Sketch, network
from torch import nn

from blockspace.compiler import compile, transplant
from blockspace.errors import BlockspaceError


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
