"""States of a trial, as `results.csv`, the database and `result.json` write them."""

from __future__ import annotations

from enum import StrEnum


class TrialState(StrEnum):
    """What became of a proposed network or of one of its trainings. The value is the word on disk."""

    TRAINED = "trained"
    DUPLICATE = "duplicate"  # of a network seen before in the study, whose result was copied
    OVER_BUDGET = "over_budget"  # refused before training
    DIVERGED = "diverged"  # a loss or an objective that is not finite
    FAILED = "failed"
    OOM = "oom"  # out of memory
    TIMEOUT = "timeout"
    HUNG = "hung"  # no step for longer than `stall_s`
    RUNNING = "running"  # not finished: trained now, or left by a driver that was killed

    @property
    def is_trained(self) -> bool:
        """Return whether a training ended with a result."""
        return self is TrialState.TRAINED

    @property
    def is_failure(self) -> bool:
        """Return whether a training ended without a result, for a reason that says nothing about the network's quality."""
        return self in (TrialState.FAILED, TrialState.OOM, TrialState.TIMEOUT, TrialState.HUNG)

    @property
    def is_training_end(self) -> bool:
        """Return whether a training can end in this state; the others are of trials that were not trained."""
        return self.is_trained or self.is_failure or self is TrialState.DIVERGED

    @property
    def merged(self) -> TrialState:
        """Return the state under which reports count a trial: every failure is FAILED."""
        return TrialState.FAILED if self.is_failure else self

    @property
    def label(self) -> str:
        """Return the state in words, for people: `over budget`."""
        return self.value.replace("_", " ")
