"""Paths of a run directory: of a study, and of a single training. No other module spells these names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from blockspace.errors import error
from blockspace.files import ARCH, CARD, RESULT, WEIGHTS, sweep_temporaries
from blockspace.inputs import expand_path, is_existing_path

BASELINE = "baseline"  # the folder name of the study's baseline among the finalists
TRIAL_FILES = (ARCH, WEIGHTS, "metrics.csv")  # of a training, beside its result


@dataclass(frozen=True)
class TrainingDir(os.PathLike[str]):
    """The folder of one training: a trial, a finalist with one of its seeds, or a network trained by itself."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def arch(self) -> Path:
        """Return the network's YAML."""
        return self.path / ARCH

    @property
    def weights(self) -> Path:
        """Return the trained weights (safetensors)."""
        return self.path / WEIGHTS

    @property
    def result(self) -> Path:
        """Return the result, which is written last: where it is, the training has ended."""
        return self.path / RESULT

    @property
    def metrics(self) -> Path:
        """Return the table of epochs."""
        return self.path / "metrics.csv"

    @property
    def scores(self) -> Path:
        """Return the scores on the test split, image by image (numpy)."""
        return self.path / "scores.npz"

    @property
    def checkpoint(self) -> Path:
        """Return the state after the last finished epoch, from which a stopped training goes on."""
        return self.path / "last.ckpt"

    @property
    def log(self) -> Path:
        """Return what the training printed."""
        return self.path / "log.txt"


@dataclass(frozen=True)
class RunDir(os.PathLike[str]):
    """A run directory. A study keeps its trials, finalists and answer in it; a network trained by itself is its own `training`."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> RunDir:
        """Return the run directory at a path, whether or not it is there."""
        return path if isinstance(path, RunDir) else cls(expand_path(path))

    # what a study was asked and what it found

    @property
    def study_yaml(self) -> Path:
        """Return the study as it is run, every default spelled out."""
        return self.path / "study.yaml"

    @property
    def is_study(self) -> bool:
        """Return whether a study has started here."""
        return self.study_yaml.is_file()

    @property
    def baseline(self) -> Path:
        """Return the baseline's YAML."""
        return self.path / "baseline.yaml"

    @property
    def preflight(self) -> Path:
        """Return the record of the data: counts, digest, classes."""
        return self.path / "preflight.json"

    @property
    def storage(self) -> Path:
        """Return Optuna's database."""
        return self.path / "study.db"

    @property
    def lock(self) -> Path:
        """Return the lock file of the driver."""
        return self.path / "study.lock"

    @property
    def log(self) -> Path:
        """Return the log for people."""
        return self.path / "log.txt"

    @property
    def events(self) -> Path:
        """Return the events for programs, one JSON object a line."""
        return self.path / "events.jsonl"

    @property
    def results(self) -> Path:
        """Return the table of all trials."""
        return self.path / "results.csv"

    @property
    def answer(self) -> Path:
        """Return the answer for people."""
        return self.path / "answer.txt"

    @property
    def answer_json(self) -> Path:
        """Return the answer for programs."""
        return self.path / "answer.json"

    @property
    def report(self) -> Path:
        """Return the report page."""
        return self.path / "report.html"

    @property
    def front_png(self) -> Path:
        """Return the picture of the Pareto front."""
        return self.path / "front.png"

    @property
    def measuring(self) -> Path:
        """Return the folder in which latencies are measured."""
        return self.path / "measure"

    # the trainings of a study

    def trial(self, number: int) -> TrainingDir:
        """Return a trial's folder: `trials/0017`."""
        return TrainingDir(self.path / "trials" / f"{number:04d}")

    @property
    def finalists(self) -> Path:
        """Return the folder that holds all finalists' trainings."""
        return self.path / "finalists"

    def finalist(self, name: str, replicate: int) -> TrainingDir:
        """Return the folder of a finalist's training with its seed number `replicate`: `finalists/hs-s4/seed-0`."""
        return TrainingDir(self.finalists / name / f"seed-{replicate}")

    def baseline_files(self) -> list[Path]:
        """Return the YAML files that hold the baseline: its own, then those of its final trainings, as far as they are there."""
        copies = sorted((self.finalists / BASELINE).glob("seed-*"))
        return [path for path in (self.baseline, *(TrainingDir(copy).arch for copy in copies)) if path.is_file()]

    def exported(self, name: str) -> Path:
        """Return the folder to which a finalist is exported: `best/hs-s4`."""
        return self.best / name

    @property
    def best(self) -> Path:
        """Return the folder of all exported finalists."""
        return self.path / "best"

    def training_named(self, name: str) -> TrainingDir:
        """Return the training that `RUN#name` means: of a trial by its number, of a finalist (its first seed) by its name.

        Raises BlockspaceError (E-FILE) where no network is there.
        """
        if not self.path.is_dir():
            raise error("E-FILE", f"no run directory {str(self)!r}", help="give a folder such as runs/hs_vs_resnext, then # and a number")
        place = self.trial(int(name)) if name.isdigit() else self.finalist(name, 0)
        if not place.arch.is_file():
            help = f"see {self.results} for the trials, {self.finalists} for the names"
            raise error("E-FILE", f"no network {name!r} in {self.path}", help=help)
        return place

    # a network trained by itself

    @property
    def training(self) -> TrainingDir:
        """Return the folder itself as that of its only training."""
        return TrainingDir(self.path)

    @property
    def training_yaml(self) -> Path:
        """Return what was trained, on what and how."""
        return self.path / "training.yaml"

    @property
    def model_py(self) -> Path:
        """Return the network as Python code."""
        return self.path / "model.py"

    @property
    def export(self) -> Path:
        """Return the folder to which the trained network is exported."""
        return self.path / "export"

    # the folder itself

    def display(self) -> str:
        """Return the folder as one would type it: relative to the working directory when it is below."""
        path = os.path.relpath(self.path)
        return str(self.path.absolute()) if path.startswith("..") else path

    def absolute(self) -> RunDir:
        """Return the same folder by its absolute path."""
        return RunDir(self.path.absolute())

    def sweep(self) -> list[Path]:
        """Remove what killed writers left in the folder itself; return what was removed."""
        return sweep_temporaries(self.path)


def split_run_target(target: str) -> tuple[str, str]:
    """Return (run, name) of `RUN#NAME`, and (path, "") of any other target; what is there is a path, whatever `#` it has in it."""
    if is_existing_path(target):
        return target, ""
    run, mark, name = target.rpartition("#")
    return (run, name) if mark else (target, "")


def runs_around(folder: Path) -> list[RunDir]:
    """Return the run directories that may hold a network's folder, the nearest first: itself and three levels up."""
    return [RunDir(place) for place in (folder, *list(folder.parents)[:3])]


def read_card(folder: Path) -> str | None:
    """Return the model card of an exported network's folder; None where there is none."""
    card = folder / CARD
    return card.read_text(encoding="utf-8") if card.is_file() else None


def folder_name(label: str) -> str:
    """Return a network's label as a folder's name."""
    return re.sub(r"[^a-z0-9._-]", "_", label.lower())[:64]
