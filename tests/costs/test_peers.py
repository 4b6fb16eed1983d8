"""Costs judged by another counter than torch's; by torch's, every library network is judged in `tests/library`."""

from __future__ import annotations

import warnings

import pytest

from blockspace import cost, load


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2"])
def test_equal_to_fvcore(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch, fvcore = pytest.importorskip("torch"), pytest.importorskip("fvcore.nn")
        model = pytest.importorskip("torchvision").models.get_model(name).eval()
        analysis = fvcore.FlopCountAnalysis(model, torch.zeros(1, 3, 224, 224))
        counted = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).by_operator()
    assert cost(load(name).graph()).macs == counted["conv"] + counted["linear"]
