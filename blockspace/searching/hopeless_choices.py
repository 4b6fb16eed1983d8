"""Choices of which so many networks were outside the budget, and none inside, that the search stops asking for them.

Counted costs are checked before a search, by probing each family. What is measured, such as a latency, shows only in the search: without
this, `per_choice: equal` would go on to ask for the choice that has the fewest trained networks until no proposals are left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from blockspace.records import TrialRecord, TrialState

REFUSALS = 24  # proposals of a choice; as many as a counted budget is probed with


class HopelessChoices:
    """Counts, for each choice of the `names` holes, the proposals outside the budget; a function of the trials' records alone."""

    def __init__(self, names: Sequence[str], refusals: int = REFUSALS):
        self.names, self.refusals = names, refusals
        self.refused: Counter[tuple[str, str]] = Counter()
        self.inside: set[tuple[str, str]] = set()

    def note(self, record: TrialRecord) -> None:
        """Take a finished trial, also a duplicate: it is outside the budget as its original is."""
        for name in self.names:
            if name in record.families:
                choice = (name, record.families[name])
                if is_outside(record):
                    self.refused[choice] += 1
                else:
                    self.inside.add(choice)

    def given_up(self) -> dict[str, set[str]]:
        """Return the choices that are not asked for again, by hole; holes without one are left out."""
        found: dict[str, set[str]] = {}
        for (name, choice), count in self.refused.items():
            if count >= self.refusals and (name, choice) not in self.inside:
                found.setdefault(name, set()).add(choice)
        return found


def is_outside(record: TrialRecord) -> bool:
    """Return whether a budget refused the trial's network, or that of its original."""
    refused = record.state in (TrialState.OVER_BUDGET, TrialState.DUPLICATE)
    return refused and any(value > 0 for name, value in record.violations.items() if name != "diverged")
