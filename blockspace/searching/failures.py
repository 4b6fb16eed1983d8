"""When failing trials mean that the study cannot work: the same cause from the start, or too many of them."""

from __future__ import annotations

from collections import Counter

from blockspace.errors import FailureError, InfeasibleError, Mistake
from blockspace.executors import Result
from blockspace.formatting import count_noun
from blockspace.records import TrialRecord, TrialState
from blockspace.searching.options import FailureLimits


class FailureGuard:
    """Counts the trainings of this start of the search; earlier ones may have failed for a reason that is mended now."""

    def __init__(self, limits: FailureLimits):
        self.limits = limits
        self.signatures: list[str | None] = []  # None: it trained
        self.last = ""

    def note(self, result: Result, number: int) -> None:
        """Take one finished training. Raises FailureError when the limits say that it is enough."""
        self.signatures.append(None if result.trained else result.signature or result.state)
        if not result.trained:
            self.last = f"{result.reason or result.state} (trial {number})"
            self._check(result)

    def _check(self, result: Result) -> None:
        count, bad = len(self.signatures), sum(signature is not None for signature in self.signatures)
        same = count == bad == self.limits.first and len(set(self.signatures)) == 1
        if same and result.state is not TrialState.DIVERGED:
            first = "the first training" if count == 1 else f"the first {count:,} trainings"
            raise failure_error(f"{first} failed with the same cause: {self.last}")
        if count >= self.limits.after and bad > self.limits.share * count:
            cause, times = Counter(filter(None, self.signatures)).most_common(1)[0]
            raise failure_error(f"{bad} of {count_noun(count, 'training')} failed, {times} of them: {cause}; the last: {self.last}")


def failure_error(message: str) -> FailureError:
    """Return the error of failed trainings, with where to look as its next step."""
    help = "trials/*/log.txt has the traceback; mend the cause and run the same command again"
    return FailureError(Mistake("E-FAILED", message, None, help))


def explain_no_training(rows: list[TrialRecord]) -> FailureError | InfeasibleError:
    """Return the error of a search that ended without one trained network: why its proposals were refused."""
    bad = [row for row in rows if row.state.is_failure or row.state is TrialState.DIVERGED]
    if bad:
        all_of = f"{len(bad)} of {count_noun(len(bad), 'training')}"
        return failure_error(f"no network trained: {all_of} failed, the last: {bad[-1].reason or bad[-1].state}")
    counts = Counter(describe_misses(row) for row in rows)
    histogram = ", ".join(f"{name}: {count}" for name, count in counts.most_common())
    message = f"none of {count_noun(len(rows), 'proposal')} is within the budget ({histogram})"
    return InfeasibleError(Mistake("E-INFEASIBLE", message, None, suggest_nearest(rows)))


def describe_misses(row: TrialRecord) -> str:
    """Return the budgets a record misses, as one word of the histogram."""
    return " and ".join(f"{name} outside" for name, value in sorted(row.violations.items()) if value > 0) or row.reason or row.state


def suggest_nearest(rows: list[TrialRecord]) -> str | None:
    """Return the proposal that came nearest, as the next step of the error."""
    outside = [row for row in rows if any(value > 0 for value in row.violations.values())]
    if not outside:
        return None
    best = min(outside, key=lambda row: sum(value for value in row.violations.values() if value > 0))
    misses = ", ".join(f"{name} by {value:.1%}" for name, value in best.violations.items() if value > 0)
    return f"the nearest was {best.label or f'trial {best.number}'}, outside {misses}: widen the budget or the space"
