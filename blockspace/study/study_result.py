"""The result of a finished study."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockspace.errors import INCOMPLETE
from blockspace.records import TrialRecord, pareto_front
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.study_file import Study

if TYPE_CHECKING:
    from blockspace.reporting import Answer, CheaperAnswer


@dataclass(frozen=True)
class Solution:
    """A trained network of a study: its trial, and, as text, where `bs.export` finds it: `runs/NAME#17`."""

    row: TrialRecord
    source: str

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True)
class StudyResult:
    """A finished study: its trials (`rows`), its answer, and where the finalists were exported."""

    resolved: ResolvedStudy
    rows: list[TrialRecord]
    answer: Answer
    exported: list[Path] = field(default_factory=list)

    @property
    def study(self) -> Study:
        """Return the study's file and data."""
        return self.resolved.study

    @property
    def front(self) -> list[Solution]:
        """Return the trained networks that no other dominates: at least as good in every objective and better in one."""
        return [Solution(r, f"{self.study.folder}#{r.number}") for r in pareto_front(self.rows, self.study.objectives)]

    @property
    def results(self) -> list[dict[str, Any]]:
        """Return every trial as a flat mapping, as in results.csv."""
        from blockspace.reporting import flatten_record

        return [flatten_record(record, self.resolved.per) for record in self.rows]

    @property
    def cheaper(self) -> CheaperAnswer | None:
        """Return how much cheaper than the baseline a network is that is not worse; None where the study does not ask."""
        return self.answer.cheaper

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command: 0, or 7 where something that was asked for is missing from the answer."""
        return INCOMPLETE if self.answer.missing else 0

    def text(self) -> str:
        """Return the table, and a sentence for each comparison."""
        from blockspace.reporting import answer_table

        return answer_table(self.answer)


def format_result_json(outcome: StudyResult) -> str:
    """Return the result for programs, as JSON: the answer's networks and sentences, what is missing, and the exported folders."""
    answer = outcome.answer
    names = ("family", "name", "seeds", "accuracy", "accuracy_sd", "log_loss", "log_loss_sd")
    rows = [{name: getattr(row, name) for name in names} | dict(row.costs) for row in answer.rows]
    exported = [str(place) for place in outcome.exported]
    missing = [asdict(one) for one in answer.missing]
    content = {"study": outcome.study.name, "sentences": answer.sentences(), "networks": rows, "missing": missing, "exported": exported}
    return json.dumps(content, indent=1)
