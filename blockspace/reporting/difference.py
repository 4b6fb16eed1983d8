"""The difference of two sides of an answer, with its intervals and what it may be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from blockspace.reporting.bootstrap import Interval
from blockspace.reporting.sentences import describe_difference_of_networks, describe_difference_of_searches, describe_gain

ENOUGH_SEARCHES = 3  # below, nothing is said of a family
Verdict: TypeAlias = Literal["better", "equal", "better, by less than the margin", "undecided"]


@dataclass(frozen=True)
class FamilyDifference:
    """`first` minus `second`: accuracy (0..1) and log-loss (nats) with their intervals.

    `kind` says what is compared: two families, a family with the baseline, or a family's finalists with random networks of its space.
    `unit` says of what the statement is: of these `networks` (how many on each side; 0 where it is not known), whose interval is over
    images and seeds, or of searches like these `searches` (how many on each side), whose interval is over searches, images and seeds and
    holds for all `statements` of the study together. `equality` is the interval at the level of two one-sided tests, for "equal within
    `margin`". `over_searches` is the interval over two searches, which gives no verdict. `searches_needed` would show a difference of
    `margin`, at least and at most (None: more than are planned for). The interval of log-loss is never simultaneous.
    With `tuned_per_family` both sides have a recipe of their own.
    `cost_ratio` is first's mean cost over second's, `latency_ratio` the same of latency, where that was measured.
    """

    first: str
    second: str
    accuracy: Interval
    log_loss: Interval
    cost: str
    cost_ratio: float | None
    images: int
    seeds: int
    level: float
    latency_ratio: float | None = None
    kind: Literal["families", "baseline", "random"] = "families"
    unit: Literal["network", "search"] = "network"
    networks: tuple[int, int] = (0, 0)
    searches: tuple[int, int] = (1, 1)
    statements: int = 1
    margin: float = 0.005
    equality: Interval | None = None
    over_searches: Interval | None = None
    searches_needed: tuple[int | None, int | None] | None = None
    one_validation_split: bool = False
    tuned_per_family: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """Return what is said of searches like these; None where the statement is of networks, or of fewer searches than three."""
        if self.unit != "search":
            return None
        is_equal = self.equality is not None and -self.margin < self.equality.low and self.equality.high < self.margin
        if self.accuracy.excludes_zero:
            return "better, by less than the margin" if is_equal else "better"
        return "equal" if is_equal else "undecided"

    @property
    def is_sure(self) -> bool:
        """Return whether the sentence says more than that nothing is known: a verdict, or networks whose interval excludes zero."""
        return self.accuracy.excludes_zero if self.verdict is None else self.verdict != "undecided"

    def sentence(self) -> str:
        """Return what the data says of accuracy, in one sentence that names the interval, the cost and the size of the test."""
        if self.kind == "random":
            return describe_gain(self)
        return describe_difference_of_searches(self) if self.unit == "search" else describe_difference_of_networks(self)
