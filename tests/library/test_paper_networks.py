"""Library networks that say `reference: paper` compute what the paper's network computes, with its weights, to 1e-10 in float64."""

from __future__ import annotations

import pytest

from library import peers


@pytest.mark.parametrize("name", [name for name in peers.networks("paper") if peers.usual(name)])
def test_equal_outputs(name):
    assert peers.difference(name) <= peers.TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in peers.networks("paper") if not peers.usual(name)])
def test_equal_outputs_of_the_others(name):
    assert peers.difference(name) <= peers.TOLERANCE
