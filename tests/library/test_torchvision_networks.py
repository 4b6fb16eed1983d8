"""Library networks that say `reference: torchvision` compute what torchvision's network computes, with its weights, to 1e-10 in float64."""

from __future__ import annotations

import pytest

from library import peers


@pytest.mark.parametrize("name", [name for name in peers.networks("torchvision") if peers.usual(name)])
def test_equal_outputs(name):
    assert peers.difference(name) <= peers.TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in peers.networks("torchvision") if not peers.usual(name)])
def test_equal_outputs_of_the_others(name):
    assert peers.difference(name) <= peers.TOLERANCE


def test_a_stride_in_another_place_is_noticed(tmp_path):
    from blockspace import load

    text = "format: blockspace/network/1\nnetwork: moved\nreference: torchvision:resnet18\nparams: {classes: 1000}\ninput: [3, 224, 224]\n"
    text += "stem: [conv7x7: {out: 64}, maxpool3x3: {stride: 4}]\nstages:\n"
    text += "".join(f"  - {{block: resnet_basic, repeat: 2, out_channels: {64 * 2**i}, stride: {1 + bool(i)}}}\n" for i in range(4))
    (tmp_path / "moved.yaml").write_text(text + "head: [global_avgpool, linear: classes]\n")
    assert peers.distance(load(str(tmp_path / "moved.yaml"))) > 1e-3
