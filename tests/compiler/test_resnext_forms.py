"""ResNeXt's forms are one function (arXiv:1611.05431 figure 3): weights of one form compute the same in another, in train and eval."""

from __future__ import annotations

import pytest
import torch

from blockspace import BlockspaceError, canonical
from blockspace.blocks import load
from blockspace.compiler import compile, convert_weights, transplant

SHAPE = (64, 12, 12)


def graph(name, **settings):
    return load(name, cardinality=8, width=4, **settings).graph(SHAPE)


def disturbed(module):
    """Every weight and statistic random, in float64."""
    generator = torch.Generator().manual_seed(1)
    for tensor in module.double().state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5)
    return module


def same(a, b, training):
    x = torch.randn(4, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    ours, theirs = (module.train(training)(x) for module in (a, b))
    return (ours - theirs).abs().max() <= 1e-12 * theirs.abs().max()


@pytest.mark.parametrize("settings", [{"out_channels": 64}, {"out_channels": 128, "stride": 2}], ids=["identity", "strided"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("names", [("resnext_a", "resnext"), ("resnext", "resnext_a")], ids=["a to c", "c to a"])
def test_weights_of_one_form_in_another(names, settings, training):
    a, b = (graph(name, **settings) for name in names)
    source = disturbed(compile(a, seed=0))
    made = compile(b, seed=1, weights_from=source).double()
    made.load_state_dict(convert_weights(source.state_dict(), a, b))
    assert same(made, source, training)
    assert same(transplant(source, compile(b, seed=2).double()), source, training)


def test_there_and_back():
    a, c = graph("resnext_a", out_channels=64), graph("resnext", out_channels=64)
    state = disturbed(compile(a, seed=0)).state_dict()
    back = convert_weights(convert_weights(state, a, c), c, a)
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_a_checkpoint_without_counters():
    a, c = graph("resnext_a", out_channels=64), graph("resnext", out_channels=64)
    source = disturbed(compile(a, seed=0))
    made = compile(c).double()
    made.load_state_dict(convert_weights({k: t for k, t in source.state_dict().items() if not k.endswith("num_batches_tracked")}, a, c))
    assert same(made, source, False)


def test_layers_of_another_library_reach_the_canonical_form():
    """A module of foreign names, as torchvision's are, whose layers are those of the written form."""
    a = graph("resnext_a", out_channels=64)
    foreign = torch.nn.Sequential(disturbed(compile(a, seed=0)))
    assert same(transplant(foreign, compile(canonical(a)).double()), foreign, False)


def test_another_network_is_refused():
    a, b = graph("resnext_a", out_channels=64), load("resnext", cardinality=4, width=8, out_channels=64).graph(SHAPE)
    with pytest.raises(BlockspaceError, match="not forms of one network"):
        convert_weights(compile(a).state_dict(), a, b)
