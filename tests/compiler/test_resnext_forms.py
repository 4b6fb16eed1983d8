"""ResNeXt's forms (a), (b) and (c) are one function (arXiv:1611.05431 figure 3): proven with mapped weights, in train and eval mode.

Outputs, gradients of the input, and all parameters and norm statistics after a training step are those of form (c).
"""

from __future__ import annotations

import pytest
import torch

from blockspace.blocks import load
from blockspace.compiler import compile

SHAPE = (32, 12, 10)
SIZES = [(1, 16), (2, 10), (4, 6), (8, 4), (32, 4)]  # cardinality, width of a path
PLACES = {"identity": {"out_channels": 32}, "projected": {"out_channels": 64}, "strided": {"out_channels": 64, "stride": 2}}
LAST = {"resnext_a": ("part{}.conv1x1_2.conv", "norm"), "resnext_b": ("conv1x1.conv", "conv1x1.norm")}  # of a form: 1x1 and norm behind it


def mapped(c: dict[str, torch.Tensor], form: str, cardinality: int, width: int) -> dict[str, torch.Tensor]:
    """Form (c)'s tensors as those of another form: path i has channels i*width..(i+1)*width of the inner layers.

    In form (a) its last 1x1 has those channels as input; in form (b) the one last 1x1 is that of form (c).
    """
    last, norm = (f"main.{name}" for name in LAST[form])
    found = {key: tensor for key, tensor in c.items() if key.startswith("skip")}
    found |= {key.replace("main.conv1x1_2.norm", norm): tensor for key, tensor in c.items() if "conv1x1_2.norm" in key}
    for i in range(cardinality):
        own = slice(i * width, (i + 1) * width)
        for key, tensor in c.items():
            if key.startswith(("main.conv1x1.", "main.conv3x3.")):
                found[key.replace("main.", f"main.part{i + 1}.")] = tensor[own] if tensor.ndim else tensor
        if form == "resnext_a":
            found[last.format(i + 1) + ".weight"] = c["main.conv1x1_2.conv.weight"][:, own]
    if form == "resnext_b":
        found[f"{last}.weight"] = c["main.conv1x1_2.conv.weight"]
    return found


def forms(form: str, cardinality: int, width: int, **settings):
    """(the form, form c) in float64, with random norms and equal weights."""
    blocks = (load(name, cardinality=cardinality, width=width, **settings) for name in (form, "resnext"))
    other, c = (compile(block.graph(SHAPE), seed=0).double() for block in blocks)
    generator = torch.Generator().manual_seed(1)
    for key, tensor in c.state_dict().items():
        if "norm" in key and tensor.ndim:
            tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5)
    other.load_state_dict(mapped(c.state_dict(), form, cardinality, width))
    return other, c


def ran(module, training: bool):
    """(output, gradient of the input) for fixed random values; the gradients of the parameters stay in the module."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(4, *SHAPE, dtype=torch.float64, generator=generator).requires_grad_()
    out = module.train(training)(x)
    out.backward(torch.randn(out.shape, dtype=torch.float64, generator=generator))
    return out.detach(), x.grad


def far(got, expected) -> float:
    """The largest difference, over the largest expected value."""
    return float((got - expected).abs().max() / expected.abs().max().clamp(min=1e-300))


@pytest.mark.parametrize("form", LAST)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_a_form_equals_form_c(form, size, place, training):
    other, c = forms(form, *size, **PLACES[place])
    for got, expected in zip(ran(other, training), ran(c, training)):
        assert far(got, expected) <= 1e-12


@pytest.mark.parametrize("form", LAST)
@pytest.mark.parametrize("place", PLACES)
def test_a_training_step_keeps_them_equal(form, place):
    other, c = forms(form, 8, 4, **PLACES[place])
    for module in (other, c):
        ran(module, training=True)
        torch.optim.SGD(module.parameters(), lr=0.1, weight_decay=1e-2).step()
    expected, got = mapped(c.state_dict(), form, 8, 4), other.state_dict()
    assert got.keys() == expected.keys() and any("running_var" in key for key in got)
    for key, tensor in got.items():
        assert far(tensor, expected[key]) <= 1e-12, key


@pytest.mark.parametrize("form", LAST)
def test_a_wrong_map_is_noticed(form):
    other, c = forms(form, 8, 4, **PLACES["identity"])
    state = {key: tensor.clone() for key, tensor in other.state_dict().items()}
    first, second = (f"main.part{i}.conv3x3.conv.weight" for i in (1, 2))
    other.load_state_dict(state | {first: state[second], second: state[first]})
    assert far(ran(other, False)[0], ran(c, False)[0]) > 1e-3
