"""What a study asked for and its answer lacks: families without a network, finalists and seeds without a result; each with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from blockspace.executors import Result
from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord, TrialState, name_family
from blockspace.reporting import Missing
from blockspace.study.resolve import ResolvedStudy

if TYPE_CHECKING:
    from blockspace.study.retrain import Finalist


def find_missing(
    resolved: ResolvedStudy, records: Sequence[TrialRecord], finalists: Sequence[Finalist], results: Sequence[Result]
) -> tuple[Missing, ...]:
    """Return what is missing; `results` are those of the finalists' trainings, by finalist and seed."""
    return (*find_missing_families(resolved, records, finalists), *find_failed_trainings(resolved, finalists, results))


def find_missing_families(
    resolved: ResolvedStudy, records: Sequence[TrialRecord], finalists: Sequence[Finalist]
) -> Iterator[Missing]:
    """Yield each choice of the compared parameter that has no finalist."""
    per = resolved.per
    if per is None:
        return
    present = {finalist.family for finalist in finalists if finalist.record is not None}
    for choice in map(str, resolved.space.choices(per)):
        family = name_family(choice, per)
        if family not in present:
            own = [record for record in records if str(record.params.get(per)) == choice]
            yield Missing("family", family, explain_no_network(own))


def explain_no_network(records: Sequence[TrialRecord]) -> str:
    """Return why none of a family's trials is a network that can be compared."""
    ended = [record for record in records if record.state not in (TrialState.RUNNING, TrialState.DUPLICATE)]
    if not ended:
        return "the search never proposed one"
    failed = [record for record in ended if record.state.is_failure or record.state is TrialState.DIVERGED]
    if failed:
        return f"no training of it ended with a result ({failed[-1].reason or failed[-1].state.label})"
    changed = [record for record in ended if record.state.is_trained and not record.comparable]
    if changed:
        return f"none was trained as the study says ({changed[-1].reason})"
    built = [record for record in ended if "invalid" not in record.violations]
    return f"none within the budget ({describe_nearest(built)})" if built else f"none can be built ({ended[-1].reason})"


def describe_nearest(records: Sequence[TrialRecord]) -> str:
    """Return the values outside the budget of the network that came nearest: `nearest 1.42x`, a latency, or `nearest 12.3M macs`."""
    best = min(records, key=lambda record: max(record.violations.values(), default=0.0))
    missed = [name for name, value in best.violations.items() if value > 0 and name in best.quantities]
    return "nearest " + ", ".join(format_amount(name, best.quantities[name]) for name in missed) if missed else best.reason


def format_amount(name: str, value: float) -> str:
    """Return a cost with its unit; a latency, which is a ratio to the baseline's, as `1.42x`."""
    return f"{value:.2f}x" if name == "latency" else find_quantity(name).format_with_unit(value)


def find_failed_trainings(resolved: ResolvedStudy, finalists: Sequence[Finalist], results: Sequence[Result]) -> Iterator[Missing]:
    """Yield each finalist of which every training failed, and each seed that failed of the others."""
    seeds = resolved.options.finalists.seeds
    for place, finalist in enumerate(finalists):
        own = results[place * seeds : (place + 1) * seeds]
        failed = {replicate: result for replicate, result in enumerate(own) if not result.trained}
        if len(failed) == len(own):
            last = own[-1]
            yield Missing("finalist", finalist.name, f"its training failed ({last.reason or last.state.label})")
        else:
            for replicate, result in failed.items():
                yield Missing("seed", f"{finalist.name} seed {replicate}", f"its training failed ({result.reason or result.state.label})")
