"""How a study was run, as far as its statements depend on it, read from its run directory."""

from __future__ import annotations

from collections.abc import Sequence

from blockspace.data import kept_preflight
from blockspace.records import RunDir
from blockspace.reporting import Circumstances, ScoredFinalist, count_repeats, number_look, read_looks
from blockspace.study.study_file import StudyFile


def read_circumstances(run: RunDir, rivals: Sequence[ScoredFinalist], options: StudyFile, notes: list[str]) -> Circumstances:
    """Return the circumstances of an answer of these finalists; looks that cannot be read are said in `notes`."""
    try:
        looks = read_looks(run.looks)
    except (OSError, ValueError) as reason:
        notes.append(f"{run.looks.name} could not be read ({reason}); earlier answers are not counted.")
        looks = []
    preflight = kept_preflight(run)
    is_one_split = preflight is not None and preflight.has_one_validation_split
    return Circumstances(
        number_look(looks, count_repeats(rivals)), options.search.is_sequential, one_validation_split=is_one_split,
        tuned_per_family=options.tune is not None and options.tune.per == "family",
    )  # fmt: skip
