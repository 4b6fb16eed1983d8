"""ResNeXt's forms (a) and (c) are one function (arXiv:1611.05431 figure 3): proven with mapped weights, in train and eval."""

from __future__ import annotations

import pytest
import torch

from blockspace.blocks import load
from blockspace.compiler import compile

CARDINALITY, WIDTH = 8, 4
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def mapped(c: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Form (c)'s tensors as form (a)'s: path i has channels i*d..(i+1)*d of the inner layers; its last 1x1 has those as input."""
    a = {key.replace("main.conv1x1_2.norm", "main.norm"): tensor for key, tensor in c.items() if "conv1x1_2.norm" in key or "skip" in key}
    for i in range(CARDINALITY):
        own = slice(i * WIDTH, (i + 1) * WIDTH)
        for layer in ("conv1x1", "conv3x3"):
            a[f"main.part{i + 1}.{layer}.conv.weight"] = c[f"main.{layer}.conv.weight"][own]
            for name in NORM:
                tensor = c[f"main.{layer}.norm.{name}"]
                a[f"main.part{i + 1}.{layer}.norm.{name}"] = tensor[own] if tensor.ndim else tensor
        a[f"main.part{i + 1}.conv1x1_2.conv.weight"] = c["main.conv1x1_2.conv.weight"][:, own]
    return a


def forms(shape, **settings):
    """(form a, form c) in float64, with random norms and equal weights."""
    blocks = (load(name, cardinality=CARDINALITY, width=WIDTH, **settings) for name in ("resnext_a", "resnext"))
    a, c = (compile(block.graph(shape), seed=0).double() for block in blocks)
    generator = torch.Generator().manual_seed(1)
    for key, tensor in c.state_dict().items():
        if "norm" in key and tensor.ndim:
            tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5)
    a.load_state_dict(mapped(c.state_dict()))
    return a, c


@pytest.mark.parametrize("settings", [{"out_channels": 64}, {"out_channels": 128, "stride": 2}], ids=["identity", "strided"])
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_form_a_equals_form_c(settings, training):
    a, c = (module.train(training) for module in forms((64, 12, 12), **settings))
    x = torch.randn(4, 64, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert (a(x) - c(x)).abs().max() <= 1e-12 * c(x).abs().max()


def test_a_wrong_map_is_noticed():
    a, c = (module.eval() for module in forms((64, 12, 12), out_channels=64))
    state = a.state_dict()
    state["main.part1.conv3x3.conv.weight"], state["main.part2.conv3x3.conv.weight"] = (
        state["main.part2.conv3x3.conv.weight"].clone(),
        state["main.part1.conv3x3.conv.weight"].clone(),
    )
    a.load_state_dict(state)
    x = torch.randn(2, 64, 12, 12, dtype=torch.float64)
    assert (a(x) - c(x)).abs().max() > 1e-3
