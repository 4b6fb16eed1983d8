"""Reader of the answer of a run directory: as the study wrote it, or computed from the scores on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from blockspace.errors import StorageError
from blockspace.records import (
    RunDir,
    first_is_reference,
)
from blockspace.reporting import (
    Answer,
    FinalistReport,
    ScoredFinalist,
    add_cheaper,
    compare_families,
    read_answer,
)
from blockspace.study.circumstances import read_circumstances
from blockspace.study.remeasured_cost import add_remeasured
from blockspace.study.study_file import Study
from blockspace.study.worker_jobs import read_scores


def compute_answer(
    run: RunDir, finals: Sequence[FinalistReport], study: Study, choices: Iterable[str], notes: list[str]
) -> Answer | None:
    """Return the comparison of the scored finalists by what is on disk; None while none is scored.

    A network whose trainings all failed is left out, and so are scores that cannot be read, which `notes` say. `choices` are those of the
    compared parameter, in their declared order.
    """
    rivals, baseline = read_scored(run, finals, study.costs, notes)
    roles = {final.name: final.role for final in finals}
    cheap = [rival for rival in rivals if roles[rival.name] == "cheap"]
    best = [rival for rival in rivals if roles[rival.name] != "cheap"]  # and random ones, which are in statements of their own
    found = [rival for rival in best if not rival.is_random]
    if not found:
        return None
    against = found[0].family if first_is_reference(choices) else None
    asked, seed = study.comparison, study.options.search.seed
    circumstances = read_circumstances(run, best, study.options, notes)
    answer = compare_families(best, baseline, against=against, seed=seed, margin=asked.margin_share, circumstances=circumstances)
    if asked.cheaper is None:
        return answer
    answer = add_cheaper(answer, found, cheap, baseline, asked.cheaper, asked.margin_share)
    return add_remeasured(run, answer, {final.name: final.key for final in finals})


def current_answer(
    run: RunDir, finals: Sequence[FinalistReport], study: Study, choices: Sequence[str], notes: list[str]
) -> Answer | None:
    """Return the answer as the study wrote it when it is of these finalists and trainings, else the comparison of those that are scored."""
    counts = {(final.name, scored) for final in finals if (scored := sum(training.is_scored for training in final.trainings))}
    if not any(final.number is not None and any(training.is_scored for training in final.trainings) for final in finals):
        return None
    try:
        written = read_answer(run.answer_json.read_text(encoding="utf-8"))
        if {(row.name, row.seeds) for row in written.rows} == counts:
            return written
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as reason:
        notes.append(f"answer.json could not be read ({reason}); the answer was made anew from the scores.")
    return compute_answer(run, finals, study, choices, notes)


def read_scored(
    run: RunDir, finals: Sequence[FinalistReport], costs: Sequence[str], notes: list[str]
) -> tuple[list[ScoredFinalist], ScoredFinalist | None]:
    """Return the finalists that have scores on the test split, and the baseline when it has, with these costs and the latency.

    Scores that cannot be read are left out, and said in `notes`.
    """
    import numpy

    rivals, baseline = [], None
    for final in finals:
        replicates = [training.replicate for training in final.trainings if training.is_scored and training.replicate is not None]
        scores = read_readable([run.finalist(final.name, replicate).scores for replicate in replicates], notes)
        if not scores:
            continue
        correct, losses = (numpy.stack([arrays[name] for arrays in scores]) for name in ("correct", "log_loss"))
        known = {name: final.costs[name] for name in (*costs, "latency") if name in final.costs}
        is_random = final.role == "random"
        scored = ScoredFinalist(final.family, final.name, known, correct, losses, final.repeat, is_random)
        if final.role == "baseline":
            baseline = scored
        else:
            rivals.append(scored)
    return rivals, baseline


def read_readable(paths: Iterable[Path], notes: list[str]) -> list[dict[str, Any]]:
    """Return the scores of these files; those that cannot be read are left out, and said in `notes`."""
    found = []
    for path in paths:
        try:
            found.append(read_scores(path))
        except StorageError as reason:
            notes.append(f"{reason}; `blockspace search` repeats that training.")
    return found
