"""Library networks judged by the libraries they come from: their parameters, and other counters of multiply-accumulates."""

from __future__ import annotations

import warnings

import pytest

from blockspace import cost, load
from blockspace.blocks import names

torch = pytest.importorskip("torch")

TORCHVISION = ("vgg16", "resnet18", "resnet50", "resnext50_32x4d", "googlenet", "densenet121", "mobilenet_v2", "shufflenet_v2_x1_0")
TIMM = ("resnet50d", "res2net50_26w_4s", "seresnext50_32x4d", "ghostnet_100")
PEERS = dict.fromkeys(TORCHVISION, "torchvision") | dict.fromkeys(TIMM, "timm")
OWN = {"hs_resnet50", "resnet20", "shufflenet_v1_g3"}  # in neither library: their golden rows are their only judges
SETTINGS = {"googlenet": {"aux_logits": False, "init_weights": False}}


def peer(name: str, device: str = "meta"):
    """The published model; on the meta device it has shapes without numbers."""
    with torch.device(device):
        if PEERS[name] == "torchvision":
            return pytest.importorskip("torchvision").models.get_model(name, **SETTINGS.get(name, {}))
        return pytest.importorskip("timm").create_model(name)


def test_every_library_network_has_a_judge():
    assert set(names("network")) == set(PEERS) | OWN


@pytest.mark.parametrize("name", PEERS)
def test_equal_to_the_published_model(name):
    from torch.utils.flop_counter import FlopCounterMode

    network = load(name)
    found, model = cost(network.graph()), peer(name)
    assert found.params == sum(p.numel() for p in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model.eval()(torch.empty(1, *network.input_shape, device="meta"))
    assert found.flops == counter.get_total_flops()


def test_equal_to_fvcore():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fvcore = pytest.importorskip("fvcore.nn")
        analysis = fvcore.FlopCountAnalysis(peer("resnet50", "cpu").eval(), torch.zeros(1, 3, 224, 224))
        counted = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).by_operator()
    assert cost(load("resnet50").graph()).macs == counted["conv"] + counted["linear"]
