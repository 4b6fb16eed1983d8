"""One proposal of a study, finished or not, as plain data: the rows of `results.csv` and of the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing a row must not cost Optuna's import
    import optuna


@dataclass(frozen=True)
class Row:
    """`status` says what became of it: trained, duplicate, over_budget, diverged, failed, oom, timeout, hung, or running.

    Only `trained` rows may be called best. `values` are the objectives' (also a duplicate's, copied).
    `nearest` is the named seed next to it and how many holes differ; `costs` and `solved` are exact, `measured` holds what was measured
    (latency: ratio to the baseline), `violations` the relative distance outside each budget, `seconds` the training's wall time (0 where
    nothing was trained). `comparable` is false for one that was trained otherwise than the study says (`reason` tells how): it is never
    called best. `reused` names the trial of another run (`runs/first#17`) whose result this is.
    """

    number: int
    status: str
    label: str = ""
    key: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)
    nearest: dict[str, Any] = field(default_factory=dict)
    costs: dict[str, int] = field(default_factory=dict)
    solved: dict[str, int] = field(default_factory=dict)
    violations: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    duplicate_of: int | None = None
    reason: str = ""
    seed: int | None = None
    seconds: float = 0.0
    started: str | None = None  # local time, ISO 8601
    ended: str | None = None
    comparable: bool = True
    reused: str = ""

    def choice(self, hole: str | None) -> str | None:
        """What it took of a hole, whether or not the study told families apart by it then; None where it was never expanded."""
        if hole is None:
            return None
        asked = str(self.params[hole]) if self.key and hole in self.params else None
        return self.families.get(hole, asked)

    @property
    def best_allowed(self) -> bool:
        """Trained as the study says, and inside every budget."""
        return self.status == "trained" and self.comparable and all(value <= 0 for value in self.violations.values())


FACTS = ("label", "key", "families", "nearest", "costs", "solved")  # of the candidate
OUTCOME = ("violations", "measured", "metrics", "duplicate_of", "reason", "seed", "seconds", "comparable", "reused")


def row(trial: optuna.trial.FrozenTrial, objectives: dict[str, str]) -> Row:
    """The row of a stored trial."""
    attributes = {name: trial.user_attrs[name] for name in (*FACTS, *OUTCOME) if name in trial.user_attrs}
    finished = trial.state.is_finished()
    status = trial.user_attrs.get("status", "failed") if finished else "running"
    told = trial.values if trial.state.name == "COMPLETE" and not refused(trial) else None
    return Row(
        number=trial.number,
        status=status,
        params=dict(trial.params),
        values=dict(zip(objectives, told)) if told else {},
        started=trial.datetime_start.isoformat() if trial.datetime_start else None,
        ended=trial.datetime_complete.isoformat() if trial.datetime_complete else None,
        **attributes,
    )


def refused(trial: optuna.trial.FrozenTrial) -> bool:
    """Told as infeasible. NSGA-II is told so as COMPLETE with the worst values, which are no values at all."""
    return any(value > 0 for value in trial.constraints.values())


def rows(study: optuna.Study, objectives: dict[str, str]) -> list[Row]:
    """All rows of the study, by number."""
    return [row(trial, objectives) for trial in study.get_trials(deepcopy=False)]


def saved(table: Iterable[Row]) -> dict[str, int]:
    """How many trainings were saved: by a network seen before in this study (`duplicate`), and by one of another run (`reused`)."""
    by_number = {row.number: row for row in table}
    copied = (row.duplicate_of for row in by_number.values() if row.status == "duplicate")
    copies = [by_number.get(number) for number in copied if number is not None]
    trainings = sum(original is not None and original.status != "over_budget" for original in copies)
    return {"duplicate": trainings, "reused": sum(bool(row.reused) for row in by_number.values())}


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial keeps its files: `trials/0017`."""
    return folder / "trials" / f"{number:04d}"
