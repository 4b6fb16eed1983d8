"""`per_choice: equal`: the choice with the fewest trained trials is the next to be proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from blockspace.blocks import Token
from blockspace.errors import error
from blockspace.formatting import count_noun
from blockspace.records import Assignment
from blockspace.searching.space.candidate import Candidate, ChoiceSpace


class Stratifier:
    """Keeps the numbers of trials equal among the choices of each named hole. Duplicates and refused trials do not count.

    The choice with the fewest is fixed for the next trial, so counts never differ by more than one, and the last trial makes them equal.
    """

    def __init__(self, space: ChoiceSpace, names: Iterable[str], trials: int):
        self.space = space
        self.choices = {name: list(space.choices(name)) for name in names}
        for name, choices in self.choices.items():
            _check_divides(name, choices, trials)

    def next(self, families: Iterable[dict[str, str]], given_up: Mapping[str, Collection[str]] = MappingProxyType({})) -> Assignment:
        """Return the choices to fix, given the `families` of every trained and running trial; of equal ones the first declared.

        Choices that were given up are left out. Where a hole has one, another of its choices is fixed, also if it is not named.
        """
        named = dict(self.choices) | {name: list(self.space.choices(name)) for name in given_up if name not in self.choices}
        counts: dict[str, Counter[str | None]] = {name: Counter() for name in named}
        for chosen in families:
            for name, counter in counts.items():
                counter[chosen.get(name)] += 1
        left = {name: [one for one in choices if str(one) not in given_up.get(name, ())] for name, choices in named.items()}
        return {name: _least_chosen(choices, counts[name]) for name, choices in left.items() if choices}

    def check(self, candidate: Candidate) -> None:
        """Raise BlockspaceError (E-SPACE) for a candidate that does not say which of the choices it took."""
        for name, choices in self.choices.items():
            if candidate.families.get(name) not in [str(choice) for choice in choices]:
                got = f"{candidate.families.get(name)!r} in {candidate.label or 'a proposal'}"
                message = f"per_choice: {name!r} must be one of {', '.join(map(str, choices))}, got {got}"
                raise error("E-SPACE", message, help="balance a choice that every network of the space makes")


def _least_chosen(choices: Sequence[Token], counts: Counter[str | None]) -> Token:
    """Return the choice that was taken least often, the first of several."""
    return min(choices, key=lambda choice: counts[str(choice)])


def _check_divides(name: str, choices: Sequence[Token], trials: int) -> None:
    """Raise BlockspaceError (E-RANGE) unless the number of trials is a multiple of the number of choices."""
    over = trials % len(choices)
    if over:
        below, above = trials - over, trials - over + len(choices)
        help = f"nearest: {f'{below} or ' if below else ''}{above}"
        what = count_noun(trials, "trial does", "trials do")
        raise error("E-RANGE", f"search: {what} not divide equally among the {len(choices)} choices of {name!r}", help=help)
