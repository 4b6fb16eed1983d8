"""Initial trials: the networks that a study's `search: seeds:` names, proposed before the sampler's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from blockspace.blocks import find_used_holes
from blockspace.errors import BlockspaceError, Mistake, error
from blockspace.formatting import count_noun
from blockspace.options import MOST_FAULTS
from blockspace.searching import BudgetedSpace, Candidate, SearchSpace
from blockspace.study.study_file import Study


def resolve_seeds(study: Study, budgeted: BudgetedSpace) -> list[dict[str, Any]]:
    """Return each of the study's seeds as a whole assignment: what it does not name is at its default.

    Raises BlockspaceError with every mistake at its place: an unknown hole or choice, a network that cannot be built, more of one family
    than its equal share, or more seeds than trials.
    """
    found: list[dict[str, Any]] = []
    mistakes: list[Mistake] = []
    for place, seed in enumerate_seeds(study):
        try:
            found.append(resolve_seed(study, budgeted, place, seed))
        except BlockspaceError as e:
            mistakes += e.mistakes
        if len(mistakes) >= MOST_FAULTS:
            break
    if mistakes:
        raise BlockspaceError(*mistakes)
    check_seed_counts(study, budgeted, found)
    return found


def enumerate_seeds(study: Study) -> Iterable[tuple[int | str, dict[str, Any]]]:
    """Return the seeds with their names, or their numbers from 0."""
    seeds = study.options.search.seeds
    return seeds.items() if isinstance(seeds, dict) else enumerate(seeds)


def resolve_seed(study: Study, budgeted: BudgetedSpace, place: int | str, seed: dict[str, Any]) -> dict[str, Any]:
    """Check one seed hole by hole, build it once, and return its assignment. Raises BlockspaceError (E-SPACE and those of `check`)."""
    where = ("search", "seeds", place)
    for name, token in seed.items():
        try:
            budgeted.space.check(name, token)
        except BlockspaceError as e:
            raise e.at(study.mark_of((*where, name))) from None
    try:
        whole = budgeted.space.default(seed)
    except BlockspaceError as e:
        raise e.at(study.mark_of(where)) from None
    try:
        budgeted.propose(whole)
    except BlockspaceError as e:
        message = f"seed {place if isinstance(place, str) else place + 1} cannot be built: {str(e).splitlines()[0]}"
        raise error("E-SPACE", message, study.mark_of(where)) from None
    return whole


def check_seed_counts(study: Study, budgeted: BudgetedSpace, found: list[dict[str, Any]]) -> None:
    """Raise BlockspaceError (E-RANGE) for more seeds than trials, or more of one choice than its equal share of the trials."""
    search, mark = study.options.search, study.mark_of(("search", "seeds"))
    if len(found) > search.trials:
        message = f"{count_noun(len(found), 'seed is', 'seeds are')} more than the {count_noun(search.trials, 'trial')}"
        raise error("E-RANGE", message, mark, f"search.trials: {len(found)}, or fewer seeds")
    for name in search.per_choice:
        share = search.trials // len(budgeted.choices(name))
        token, count = Counter(seed[name] for seed in found).most_common(1)[0] if found else (None, 0)
        if count > share:
            what = f"{count_noun(count, 'seed')} with {name} {token} {'is' if count == 1 else 'are'}"
            message = f"{what} more than its equal share of the trials, {share}"
            raise error("E-RANGE", message, mark, "more trials, or fewer seeds of it")


class NamedSeeds:
    """The named seeds of a study: each an assignment, and the holes that it is made of."""

    def __init__(self, space: SearchSpace, names: Iterable[str], seeds: Iterable[dict[str, Any]]):
        self.space = space
        self.seeds = {name: (seed, find_used_holes(space.network, seed)) for name, seed in zip(names, seeds)}

    def find_nearest(self, assignment: dict[str, Any]) -> tuple[str, int]:
        """Return the first seed from which the fewest holes differ, and how many do; holes that neither reads do not count."""
        own = find_used_holes(self.space.network, assignment)
        distances = {name: sum(self.choice(assignment, hole) != self.choice(seed, hole) for hole in own | read)
                     for name, (seed, read) in self.seeds.items()}  # fmt: skip
        return min(distances.items(), key=lambda item: item[1])

    def choice(self, assignment: dict[str, Any], hole: str) -> Any:
        """Return the value of a hole; of one that does not exist under the assignment, its default."""
        return assignment.get(hole, self.space.holes[hole].default)

    def label(self, candidate: Candidate) -> Candidate:
        """Return the candidate, called after its nearest seed: `hs`, or `hs+3-4b93`, three holes from it."""
        name, changed = self.find_nearest(candidate.assignment)
        label = f"{name}+{changed}-{candidate.key.rpartition(':')[2][:4]}" if changed else name
        return replace(candidate, label=label, nearest={"seed": name, "changed": changed})
