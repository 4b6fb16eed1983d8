"""The space nasbench201 holds the benchmark's cells: any choice of operations gives the cell that the paper's words give."""

from __future__ import annotations

import random

import pytest

from blockspace import cost, load
from blockspace.compiler import compile, transplant
from library import peers
from library.references import nasbench201

EDGES = [["e21"], ["e31", "e32"], ["e41", "e42", "e43"]]
PUBLISHED = {"none": (73_306, 7_783_050), "nor3x3": (1_531_546, 220_119_690)}  # NATS-Bench's smallest and largest: params, flops


def choices(seed: int) -> dict[str, str]:
    chosen = random.Random(seed)
    return {edge: chosen.choice(sorted(nasbench201.OPERATIONS)) for edges in EDGES for edge in edges}


def test_the_size_of_the_space():
    space = load("nasbench201")
    assert sorted(space.holes.holes) == sorted(edge for edges in EDGES for edge in edges)
    assert {tuple(sorted(hole.domain.values())) for hole in space.holes.holes.values()} == {tuple(sorted(nasbench201.OPERATIONS))}


@pytest.mark.parametrize("word", PUBLISHED)
def test_the_published_extremes(word):
    found = cost(load("nasbench201").graph(values={edge: word for edges in EDGES for edge in edges}))
    assert (found.params, found.macs + 10) == PUBLISHED[word], "the benchmark counts the classifier's ten biases too"


@pytest.mark.parametrize("seed", range(6))
def test_a_cell_is_the_papers(seed):
    import torch

    chosen = choices(seed)
    graph = load("nasbench201", n=1, c=8).graph((3, 16, 16), values=chosen)
    theirs = peers.filled(lambda: nasbench201.network([[chosen[edge] for edge in edges] for edges in EDGES], channels=8, cells=1))
    ours = transplant(theirs, compile(graph).double().eval())
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, got = theirs(x), ours(x)
    assert (got - expected).abs().max() <= peers.TOLERANCE * expected.abs().max()
