"""The place of a network's folder in a run directory: which trial, which finalist, or the only training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from blockspace.records.rundir import RunDir


@dataclass(frozen=True)
class TrainingPlace:
    """The place of a network's folder in a run directory: a trial by its number, a finalist by its name, or the run's only training."""

    run: RunDir
    number: int | None = None
    finalist: str = ""

    @property
    def is_single(self) -> bool:
        """Return whether the network was trained by itself."""
        return self.number is None and not self.finalist

    @property
    def label(self) -> str:
        """Return the place as one would name it, without the folders above the run: `hs_vs_resnext#17`."""
        name = self.run.path.absolute().name
        return name if self.is_single else f"{name}#{self.finalist if self.number is None else self.number}"


def find_training_place(folder: Path) -> TrainingPlace | None:
    """Return the place of a training's or export's folder in the run directory that holds it; None where none does."""
    folder = folder.absolute()
    for run in runs_around(folder):
        inside = folder.relative_to(run.path).parts
        if run.training_yaml.is_file() and folder in (run.path, run.export):
            return TrainingPlace(run)
        if not run.is_study or not inside:
            continue
        if re.fullmatch(r"[0-9]{1,9}", inside[-1]) and folder == run.trial(int(inside[-1])).path:
            return TrainingPlace(run, int(inside[-1]))
        for name in inside[1:2]:
            if folder == run.exported(name) or folder.parent == run.finalist(name, 0).path.parent:
                return TrainingPlace(run, finalist=name)
    return None


def runs_around(folder: Path) -> list[RunDir]:
    """Return the run directories that may hold a network's folder, the nearest first: itself and three levels up."""
    return [RunDir(place) for place in (folder, *list(folder.parents)[:3])]
