"""Nearest: which of a study's named seeds a network lies next to, counted in holes that differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from blockspace.blocks import used
from blockspace.searching import Candidate, SearchSpace


class Nearest:
    """The named seeds of a study: each an assignment, and the holes that it is made of."""

    def __init__(self, space: SearchSpace, names: Iterable[str], seeds: Iterable[dict[str, Any]]):
        self.space = space
        self.seeds = {name: (seed, used(space.network, seed)) for name, seed in zip(names, seeds)}

    def of(self, assignment: dict[str, Any]) -> tuple[str, int]:
        """The seed from which the fewest holes differ, of those alike the first, and how many do; those neither reads do not count."""
        own = used(self.space.network, assignment)
        distances = {name: sum(self.token(assignment, hole) != self.token(seed, hole) for hole in own | read)
                     for name, (seed, read) in self.seeds.items()}  # fmt: skip
        return min(distances.items(), key=lambda item: item[1])

    def token(self, assignment: dict[str, Any], hole: str):
        """The value of a hole; of one that does not exist under the assignment, its default."""
        return assignment.get(hole, self.space.holes[hole].default)

    def named(self, candidate: Candidate) -> Candidate:
        """The candidate, called after its nearest seed: `hs`, or `hs+3-4b93`, three holes from it."""
        name, changed = self.of(candidate.assignment)
        label = f"{name}+{changed}-{candidate.key.rpartition(':')[2][:4]}" if changed else name
        return replace(candidate, label=label, nearest={"seed": name, "changed": changed})
