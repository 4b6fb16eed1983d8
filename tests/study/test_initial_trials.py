"""Seeds with names: each network is called after the nearest, and says by how many holes it differs."""

from __future__ import annotations

import pytest
from study.shipped import resolve_shipped

from blockspace.study import ResolvedStudy
from blockspace.study.initial_trials import NamedSeeds


@pytest.fixture(scope="module")
def resolved() -> ResolvedStudy:
    return resolve_shipped("universal")


def test_a_seed_is_its_own_nearest(resolved):
    names = list(resolved.options.search.seeds)
    assert [resolved.named_seeds.find_nearest(seed) for seed in resolved.initial] == [(name, 0) for name in names]


def test_only_holes_that_are_looked_at_count(resolved):
    hs = dict(zip(resolved.options.search.seeds, resolved.initial))["hs"]
    assert resolved.named_seeds.find_nearest(hs | {"parts": 4, "squeeze": 8}) == ("hs", 2)
    bottleneck = resolved.space.default()
    # bottleneck has one part, so nothing of these is read
    assert resolved.named_seeds.find_nearest(bottleneck | {"carry": "half", "keep": "last", "split": "chunk"}) == ("bottleneck", 0)
    assert resolved.named_seeds.find_nearest(bottleneck | {"untied": True, "unit.main.k.part2": 7}) == ("bottleneck", 0)


def test_of_seeds_that_are_as_near_the_first_is_named(resolved):
    space = resolved.space
    default = space.default()
    found = NamedSeeds(space, ["b", "a"], [default | {"squeeze": 4}, default | {"squeeze": 8}])
    assert found.find_nearest(default) == ("b", 1)
