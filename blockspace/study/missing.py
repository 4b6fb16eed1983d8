"""What a study asked for and its answer lacks: families without a network, finalists and seeds without a result; each with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from blockspace.executors import Result
from blockspace.formatting import count_noun
from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord, TrialState, name_family
from blockspace.reporting import Missing
from blockspace.searching import EXHAUSTED
from blockspace.study.random_networks import DRAWS
from blockspace.study.resolve import ResolvedStudy

if TYPE_CHECKING:
    from blockspace.study.retrain import Finalist


def find_missing(
    resolved: ResolvedStudy,
    records: Sequence[TrialRecord],
    finalists: Sequence[Finalist],
    results: Sequence[Result],
    reasons: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Missing, ...]:
    """Return what is missing of the whole searches of a study.

    `results` are those of the finalists' trainings, by finalist and seed; `reasons` say of searches why they trained fewer networks than
    were asked for.
    """
    return (
        *find_missing_families(resolved, records, finalists),
        *find_missing_finalists(resolved, records, finalists),
        *find_missing_trials(resolved, records, reasons),
        *find_missing_random(resolved, finalists),
        *find_failed_trainings(resolved, finalists, results),
    )


def find_missing_families(
    resolved: ResolvedStudy, records: Sequence[TrialRecord], finalists: Sequence[Finalist]
) -> Iterator[Missing]:
    """Yield each choice of the compared parameter that has no finalist, in all searches or in some of them."""
    repeats = list_repeats(records, finalists)
    for choice, family in list_families(resolved):
        having = {finalist.repeat for finalist in finalists if finalist.record is not None and finalist.family == family}
        lacking = [repeat for repeat in repeats if repeat not in having]
        if lacking:
            own = [record for record in records if str(record.params.get(resolved.per or "")) == choice and record.repeat in lacking]
            yield Missing("family", f"{family}{name_repeats(lacking if having else [])}", explain_no_network(own))


def find_missing_finalists(
    resolved: ResolvedStudy, records: Sequence[TrialRecord], finalists: Sequence[Finalist]
) -> Iterator[Missing]:
    """Yield what each family lacks of the finalists that were asked of it; one of which every network was tried lacks none."""
    take, several = resolved.options.finalists.take, len(list_repeats(records, finalists)) > 1
    found = Counter((finalist.family, finalist.repeat) for finalist in finalists if finalist.record is not None)
    for choice, family in list_families(resolved) or [("", resolved.space.name)]:
        for repeat in list_repeats(records, finalists):
            count = found[family, repeat]
            if 0 < count < take and not is_family_exhausted(resolved, records, choice, repeat):
                name = f"{take - count} of {take} of {family}{name_repeats([repeat] if several else [])}"
                yield Missing("finalist", name, f"only {count_noun(count, 'network')} of it was trained within the budget")


def find_missing_trials(resolved: ResolvedStudy, records: Sequence[TrialRecord], reasons: Mapping[int, str]) -> Iterator[Missing]:
    """Yield each search that trained fewer networks than were asked for, unless it had tried all there are."""
    trials, several = resolved.options.search.trials, len(reasons) > 1
    for repeat, reason in reasons.items():
        trained = sum(record.state.is_trained for record in records if record.repeat == repeat)
        if reason and trained < trials and not is_space_exhausted(resolved, records, repeat, reason):
            yield Missing("trial", f"{trials - trained} of {trials}{name_repeats([repeat] if several else [])}", reason)


def list_families(resolved: ResolvedStudy) -> list[tuple[str, str]]:
    """Return the choices of the compared parameter, with the name of each one's family; none where nothing is compared."""
    per = resolved.per
    return [] if per is None else [(choice, name_family(choice, per)) for choice in map(str, resolved.space.choices(per))]


def list_repeats(records: Iterable[TrialRecord], finalists: Iterable[Finalist]) -> list[int]:
    """Return the numbers of the searches, in their order."""
    return sorted({record.repeat for record in records} | {finalist.repeat for finalist in finalists})


def name_repeats(repeats: Sequence[int]) -> str:
    """Return ` in repeat 1` or ` in repeats 1, 3`; nothing for none."""
    return f" in {'repeat' if len(repeats) == 1 else 'repeats'} {', '.join(map(str, repeats))}" if repeats else ""


def is_space_exhausted(resolved: ResolvedStudy, records: Iterable[TrialRecord], repeat: int, reason: str) -> bool:
    """Return whether a search has tried every network of its space: then nothing is missing that could be had."""
    return reason == EXHAUSTED or count_assignments(records, repeat) >= resolved.space.size()


def is_family_exhausted(resolved: ResolvedStudy, records: Iterable[TrialRecord], choice: str, repeat: int) -> bool:
    """Return whether a search has tried every network of a family."""
    per = resolved.per
    own = [record for record in records if per is None or str(record.params.get(per)) == choice]
    tokens = [token for token in resolved.space.choices(per) if str(token) == choice] if per else []
    fixed = {per: tokens[0]} if per else {}
    return count_assignments(own, repeat) >= resolved.space.size(fixed)


def count_assignments(records: Iterable[TrialRecord], repeat: int) -> int:
    """Return how many assignments of the holes a search has tried."""
    ended = (record for record in records if record.repeat == repeat and record.state is not TrialState.RUNNING)
    return len({tuple(sorted(record.params.items())) for record in ended})


def find_missing_random(resolved: ResolvedStudy, finalists: Sequence[Finalist]) -> Iterator[Missing]:
    """Yield each random network that was asked for and not drawn."""
    wanted = resolved.options.finalists.random
    for fixed in resolved.budgeted_space.families() if wanted else ():
        family = resolved.name_choices(fixed)
        drawn = sum(finalist.role == "random" and finalist.family == family for finalist in finalists)
        for index in range(drawn, wanted):
            yield Missing("random network", f"{index} of {family}", f"none of {DRAWS} draws is within the budget")


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
