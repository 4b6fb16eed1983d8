"""The protocol of a search space, and what it gives the search: a proposed network with its exact costs, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from blockspace.blocks import Token
from blockspace.records import Assignment

if TYPE_CHECKING:
    from optuna.trial import Trial


@dataclass(frozen=True)
class Candidate:
    """One point of the space, expanded, solved and costed.

    `assignment` holds the active holes (Optuna's parameters), `solved` the values the solver found (a record, never a parameter).
    `key` is the canonical graph's key: equal keys are one network. `violations` maps a budgeted cost to its relative distance outside
    the window (0.03 = 3 % above the upper end or below the lower); values <= 0 are inside. `arch` is JSON-able: all that a worker needs
    to build the network.
    """

    assignment: Assignment
    key: str
    arch: dict[str, Any] = field(default_factory=dict)
    solved: dict[str, int] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=dict)  # by name, of `blockspace.costs.COSTS`
    violations: dict[str, float] = field(default_factory=dict)
    label: str = ""  # for people: hs-s5-b16
    families: dict[str, str] = field(default_factory=dict)  # {"block": "hs"}: the choices that `per_choice` counts
    nearest: dict[str, str | int] = field(default_factory=dict)  # {"seed": "hs", "changed": 3}: where seeds have names


class ChoiceSpace(Protocol):
    """A space whose holes have choices that can be counted."""

    def choices(self, name: str) -> Sequence[Token]:
        """Return the choices of the hole `name`, in their declared order. Raises BlockspaceError for a name that is not a choice."""


class CandidateSpace(ChoiceSpace, Protocol):
    """A search space as the loop needs it."""

    def suggest(self, trial: Trial) -> Assignment:
        """Return an assignment: a value for every active hole, and for no other, each suggested by `trial`."""

    def propose(self, assignment: Assignment) -> Candidate:
        """Return the candidate of an assignment: expanded, solved and costed. The same one in every process."""
