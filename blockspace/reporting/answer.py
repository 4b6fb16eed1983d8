"""The answer of a study: which family is better at equal cost, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy

from blockspace.formatting import count_noun
from blockspace.reporting.difference import FamilyDifference
from blockspace.reporting.sentences import format_level

if TYPE_CHECKING:
    from blockspace.reporting.cheaper import CheaperAnswer


@dataclass(frozen=True, eq=False)
class ScoredFinalist:
    """A network retrained with several seeds and scored on the test images.

    `repeat` is the number of the search that found it; `is_random` says that none did: it was drawn at random from its family's space.

    `costs` by name (macs at batch 1, params, latency as a ratio to the baseline). `correct` (bool) and `log_loss` (nats) are
    `(seeds, images)`, the images being the same, in the same order, for all finalists.
    """

    family: str
    name: str
    costs: Mapping[str, float]
    correct: numpy.ndarray
    log_loss: numpy.ndarray
    repeat: int = 0
    is_random: bool = False


@dataclass(frozen=True)
class NetworkScore:
    """One network's test result: accuracy in 0..1 and log-loss in nats, mean and standard deviation over seeds (None with one seed)."""

    family: str
    name: str
    costs: Mapping[str, float]
    seeds: int
    accuracy: float
    accuracy_sd: float | None
    log_loss: float
    log_loss_sd: float | None


@dataclass(frozen=True)
class Missing:
    """Something that a study asked for and its answer lacks: the `kind` (`family`, `finalist`, `seed`, `trial`, ...), its name, and why."""

    kind: str
    name: str
    reason: str

    def sentence(self) -> str:
        """Return it as a line of the answer: `missing: family mix, none within the budget (nearest 1.42x)`."""
        return f"missing: {self.kind} {self.name}, {self.reason}"


@dataclass(frozen=True)
class Answer:
    """Per network the test result, per pair of families the difference, and each family against the baseline when there is one.

    `gains` are each family's finalists against random networks of its space. `missing` is what the study asked for and has no result.
    `repeats` is the number of searches behind each family. `level` is that of every interval; `look` counts the answers about families
    that the study has given, this one included, and `is_sequential` says that their number was open from the start (`up to N`).
    `open_repeats` have begun and are in no statement. `cheaper` is there where the study asks how much cheaper a network can be.
    `shared` are two families and how many networks, proposed in both, they have in common.
    """

    rows: tuple[NetworkScore, ...]
    differences: tuple[FamilyDifference, ...]
    against_baseline: tuple[FamilyDifference, ...]
    images: int
    missing: tuple[Missing, ...] = ()
    gains: tuple[FamilyDifference, ...] = ()
    repeats: Mapping[str, int] = field(default_factory=dict)
    level: float = 0.95
    look: int = 1
    is_sequential: bool = False
    open_repeats: tuple[int, ...] = ()
    cheaper: CheaperAnswer | None = None
    shared: tuple[tuple[str, str, int], ...] = ()

    @property
    def statements(self) -> tuple[FamilyDifference, ...]:
        """Return every difference: between families, with the baseline, with random networks."""
        return (*self.differences, *self.against_baseline, *self.gains)

    @property
    def is_about_families(self) -> bool:
        """Return whether a statement is about a family: the unit is a search."""
        return any(one.unit == "search" for one in self.statements)

    @property
    def is_decided(self) -> bool:
        """Return whether every comparison of the question has a verdict: those between families; of one family, with the baseline."""
        asked = self.differences or self.against_baseline
        return bool(asked) and all(one.verdict not in (None, "undecided") for one in asked)

    def sentence(self) -> str:
        """Return the comparison between families, one line a pair; of a single family, that against the baseline."""
        return "\n".join(d.sentence() for d in self.differences or self.against_baseline)

    def sentences(self) -> list[str]:
        """Return one sentence for each difference: between families, with the baseline, with random networks.

        That of the cheaper network is before them, where one was asked for. Statements of searches hold all together; those of networks
        each by itself.
        """
        lead = [self.cheaper.sentence()] if self.cheaper else []
        return lead + [one.sentence() for one in self.statements]

    def remarks(self) -> list[str]:
        """Return what holds for all sentences: repeats not in them, what earlier answers cost, networks in two families."""
        shared = [f"{one} and {other} share {count_noun(count, 'network')}, found in both" for one, other, count in self.shared]
        return [*self._describe_searches(), *shared]

    def _describe_searches(self) -> list[str]:
        """Return what is said of the searches behind the sentences, and of earlier answers."""
        numbers = ", ".join(str(number + 1) for number in self.open_repeats)
        found = [f"search {numbers} is not finished, and is in no statement"] if self.open_repeats else []
        if not self.is_about_families:
            return found
        if self.is_sequential:
            left = f"at {format_level(self.level)}, so that all answers together keep 95 %"
            return [*found, f"answer {self.look} of a study that goes on until it is decided: its intervals are {left}"]
        if self.look > 1:
            earlier = "1 answer" if self.look == 2 else f"{self.look - 1} answers"
            return [*found, f"extended after {earlier}: the intervals are at {format_level(self.level)}, because each answer was a look"]
        return found


def score_network(finalist: ScoredFinalist) -> NetworkScore:
    """Return one network's mean and spread over seeds."""
    accuracy, log_loss = finalist.correct.mean(axis=1), finalist.log_loss.mean(axis=1)
    seeds = len(accuracy)
    spreads = [float(values.std(ddof=1)) if seeds > 1 else None for values in (accuracy, log_loss)]
    name = (finalist.family, finalist.name, dict(finalist.costs), seeds)
    return NetworkScore(*name, float(accuracy.mean()), spreads[0], float(log_loss.mean()), spreads[1])
