"""Library networks that say `reference: timm` compute what timm's network computes, with its weights, to 1e-10 in float64."""

from __future__ import annotations

import pytest

from library import peers


@pytest.mark.parametrize("name", peers.networks("timm", high=peers.USUAL))
def test_equal_outputs(name):
    assert peers.difference(name) <= peers.TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("name", peers.networks("timm", low=peers.USUAL))
def test_equal_outputs_of_large_ones(name):
    assert peers.difference(name) <= peers.TOLERANCE
