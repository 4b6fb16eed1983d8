"""Finalists of repeated searches, simulated."""

from __future__ import annotations

import numpy

from blockspace.reporting import ScoredFinalist


def searched(family, accuracies, seed=0, seeds=3, images=897, is_random=False, costs=None):
    """One finalist a search: the search number r found a network of accuracy `accuracies[r]`; images are easy or hard for all alike."""
    random = numpy.random.default_rng([seed, *map(ord, family)])
    ease = numpy.random.default_rng(7).normal(0, 0.9, images)
    found = []
    for repeat, accuracy in enumerate(accuracies):
        level = numpy.quantile(random.normal(0, 0.45, 4_000) + numpy.resize(ease, 4_000), 1 - accuracy)
        correct = ease + random.normal(0, 0.45, (seeds, images)) > level
        log_loss = numpy.where(correct, 0.05, 2.0)
        number = 0 if is_random else repeat
        name = f"{family}.{'random' if is_random else 'repeat'}-{repeat}"
        found.append(ScoredFinalist(family, name, costs or {"macs": 8_000_000}, correct, log_loss, number, is_random))
    return found
