"""Tracks: parallel places for stretches of ways in a channel or gap; stretches of one value may lie on each other, others may not."""

from __future__ import annotations


class Tracks:
    """Stretches are added first; then each has a track number, so that no two of different values share a place."""

    def __init__(self) -> None:
        self.stretches: list[tuple[int, int, object]] = []
        self.numbers: dict[object, int] | None = None

    def add(self, low: int, high: int, key: object) -> object:
        """Ask for a place from `low` to `high`; returns what `of` takes."""
        self.stretches.append((min(low, high), max(low, high), key))
        return key

    def of(self, key: object) -> int:
        """The track of a value, from 0."""
        if self.numbers is None:
            self.numbers = self.given()
        return self.numbers[key]

    def count(self) -> int:
        if self.numbers is None:
            self.numbers = self.given()
        return 1 + max(self.numbers.values(), default=-1)

    def given(self) -> dict[object, int]:
        """The first free track for each value, over all its stretches together."""
        spans: dict[object, tuple[int, int]] = {}
        for low, high, key in self.stretches:
            known = spans.get(key, (low, high))
            spans[key] = (min(low, known[0]), max(high, known[1]))
        ends: list[list[tuple[int, int]]] = []
        numbers: dict[object, int] = {}
        for key, (low, high) in spans.items():
            track = next((i for i, taken in enumerate(ends) if all(high < a or low > b for a, b in taken)), len(ends))
            if track == len(ends):
                ends.append([])
            ends[track].append((low, high))
            numbers[key] = track
        return numbers
