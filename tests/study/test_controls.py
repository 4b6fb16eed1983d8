"""Controls of the answer: a network against itself is no difference; against itself without spatial convolutions it is one."""

from __future__ import annotations

import numpy
import pytest

from blockspace.blocks import load
from blockspace.compiler import compile
from blockspace.data import load as load_data
from blockspace.reporting import ScoredFinalist, compare_families
from blockspace.training import fit, read_recipe, score

NET = """
format: blockspace/network/1
network: control
input: [1, 16, 16]
stem: [{conv}: 12]
stages: [{conv}: {{out: 24, stride: 2}}, {conv}: {{out: 48, stride: 2}}]
head: [global_avgpool, linear: 10]
"""
RECIPE = read_recipe({"epochs": 6, "batch": 32, "optimizer": {"adamw": {"lr": 0.005}}})


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """(family, seeds) -> a Finalist, trained on train + validation and scored on the test split."""
    folder = tmp_path_factory.mktemp("control")
    training, test = load_data("digits").final_split()

    def trained(conv: str, family: str, seeds: range) -> ScoredFinalist:
        path = folder / f"{conv}.yaml"
        path.write_text(NET.format(conv=conv))
        scores = []
        for seed in seeds:
            module = compile(load(str(path)).graph(), seed=seed)
            fit(module, training, None, RECIPE, seed)
            scores.append(score(module, test))
        arrays = (numpy.stack([s.values[name] for s in scores]) for name in ("acc", "loss"))
        return ScoredFinalist(family, conv, {"macs": 1}, *arrays)

    return trained


def test_a_family_against_itself_is_not_distinguishable(runs):
    answer = compare_families([runs("conv3x3", "one", range(3)), runs("conv3x3", "other", range(3, 6))])
    assert not answer.differences[0].accuracy.excludes_zero
    assert "not distinguishable at this size" in answer.sentence()


@pytest.mark.slow
def test_without_spatial_convolutions_it_is_worse(runs):
    answer = compare_families([runs("conv3x3", "spatial", range(3)), runs("conv1x1", "pointwise", range(3))])
    assert answer.differences[0].accuracy.low > 0
    assert answer.sentence().startswith("this spatial network scores ")
