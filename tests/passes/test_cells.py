"""NAS-Bench-201: canonical keys merge what was published as one function, and more; each further merge is proven on a sample."""

from __future__ import annotations

import random
import runpy
from pathlib import Path

import pytest
import torch

from blockspace.compiler import compile
from blockspace.compiler.proof.equivalence import randomize_state
from blockspace.passes import canonical

CELLS = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "cells.py"), run_name="cells")
ALL = list(CELLS["cells"]())
SAMPLE = random.Random(0).sample(ALL, 400)
KEYS, CLASSES = 5_485, 6_466  # ours; published in arXiv:2001.00326 section 2.1


def test_the_published_classes():
    assert len(ALL) == 15_625 and len({CELLS["published"](cell) for cell in ALL}) == CLASSES


def test_a_class_has_one_key():
    """Unless a norm sees zeros alone, whose learned shift the published classes take for zero, or a layer is read twice in place of two."""
    found = CELLS["split"](CELLS["keyed"](SAMPLE))
    assert found and {CELLS["reason"](cells) for cells in found.values()} <= {"a norm sees zeros alone", "one layer, or two alike"}


def test_merges_are_true():
    """Cells of one key and several published classes: weights of one in the other, outputs in train and eval."""
    merged = [list(group.values()) for group in CELLS["keyed"](SAMPLE).values() if len(group) > 1]
    assert len(merged) > 5
    for first, *others in merged[:8]:
        for other in others[:2]:
            same(CELLS["graph"](first), CELLS["graph"](other))


def same(graph, other) -> None:
    ours = compile(graph, seed=0)
    randomize_state(ours, torch.Generator().manual_seed(0))
    theirs = compile(other, seed=1, weights_from=ours).double()
    ours = ours.double()
    x = torch.randn(3, *graph.input_shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for training in (False, True):
        a, b = ours.train(training)(x), theirs.train(training)(x)
        assert (a - b).abs().max() <= 1e-10 * max(1.0, a.abs().max().item())


def test_a_norm_of_zeros_is_not_zero():
    """The cells none everywhere, and none but a convolution behind it: one published class, two functions."""
    nothing, shift = (("none",) * 6, ("none", "none", "none", "none", "nor1x1", "none"))
    assert CELLS["published"](nothing) == CELLS["published"](shift) and CELLS["shifted"](shift)
    module = compile(canonical(CELLS["graph"](shift)), seed=0)
    randomize_state(module, torch.Generator().manual_seed(0))
    assert module(torch.randn(2, *CELLS["graph"](shift).input_shape)).abs().max() > 0


def test_two_layers_alike_are_not_one():
    """The same text for a value read twice and for two convolutions of one kind: they have other parameters."""
    once, twice = (("nor3x3", "skip", "skip", "none", "skip", "skip"), ("skip", "nor3x3", "none", "nor3x3", "skip", "skip"))
    assert CELLS["published"](once) == CELLS["published"](twice) and 2 * CELLS["own"](once) == CELLS["own"](twice)


@pytest.mark.slow
def test_the_count():
    keys = CELLS["keyed"](ALL)
    assert len(keys) == KEYS <= CLASSES == len({text for group in keys.values() for text in group})
    assert "for no reason known" not in map(CELLS["reason"], CELLS["split"](keys).values())
