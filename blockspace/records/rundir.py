"""Paths of a run directory: of a study, and of a single training. No other module spells these names."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from blockspace.errors import StorageError, error
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
    def local(self) -> Path:
        """Return where the paths of the study lead to on this machine; never exported."""
        return self.path / "local.json"

    @property
    def space(self) -> Path:
        """Return the folder of the search space's file and the block files that it imports."""
        return self.path / "space"

    @property
    def environment(self) -> Path:
        """Return the software and hardware that the starts ran on."""
        return self.path / "environment.json"

    @property
    def test_use(self) -> Path:
        """Return the record that this run has scored its test split, by which its use is counted once."""
        return self.path / "test_use.json"

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
    def looks(self) -> Path:
        """Return the list of answers that the study has given, with the number of searches in each."""
        return self.path / "looks.json"

    @property
    def report(self) -> Path:
        """Return the report page."""
        return self.path / "report.html"

    @property
    def checklist(self) -> Path:
        """Return the checklists of reviewers, filled in (Markdown)."""
        return self.path / "checklist.md"

    @property
    def front_png(self) -> Path:
        """Return the picture of the Pareto front."""
        return self.path / "front.png"

    @property
    def measuring(self) -> Path:
        """Return the folder in which latencies are measured."""
        return self.path / "measure"

    @property
    def tuning_json(self) -> Path:
        """Return the record of the recipes that were tried, and of the one that was chosen."""
        return self.path / "tuning.json"

    @property
    def random_networks(self) -> Path:
        """Return the record of the networks that were drawn at random for the finals."""
        return self.path / "random_networks.json"

    # the trainings of a study

    @property
    def baseline_trial(self) -> TrainingDir:
        """Return the folder of the baseline's training as in the search, with which networks are compared before the finals."""
        return TrainingDir(self.path / BASELINE)

    @property
    def tuning(self) -> Path:
        """Return the folder that holds the trainings of recipes, on default networks."""
        return self.path / "tuning"

    def tuned(self, family: str, recipe: int, replicate: int) -> TrainingDir:
        """Return the folder of a family's default network with a recipe, by its place, and a seed: `tuning/hs/recipe-0/seed-0`."""
        return TrainingDir(self.tuning / folder_name(family) / f"recipe-{recipe}" / f"seed-{replicate}")

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

    def remeasured(self, name: str) -> Path:
        """Return the cost of a finalist that was measured anew after it was chosen."""
        return self.finalists / name / "latency.json"

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
        self.refuse_links()
        is_number = re.fullmatch(r"[0-9]{1,9}", name) is not None
        place = self.trial(int(name)) if is_number else self.finalist(name, 0)
        if not (is_number or name == folder_name(name)) or name in ("", ".", "..") or not place.arch.is_file():
            found = [path.name for path in (self.results, self.finalists) if path.exists()]
            help = f"see {' and '.join(found)} in it for numbers and names" if found else "give the run directory of a study"
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

    def check_owner(self, is_study: bool) -> None:
        """Check that a study, or else the training of one network, may write here: nothing of somebody else's is overwritten.

        Raises BlockspaceError (E-FILE) unless the folder is missing, is empty but for hidden files, or is a run directory of that kind.
        """
        held = list_visible_files(self.path)
        if not held:
            return
        if not self.lock.exists() and not is_database(self.storage) and not self.training_yaml.is_file():
            names = ", ".join(held[:3]) + (f" and {len(held) - 3} more" if len(held) > 3 else "")
            message = f"{self.path} is neither empty nor a run directory: it holds {names}"
            raise error("E-FILE", message, help=f"choose a folder of its own, as out={self.path / 'run'}")
        other, what = (self.training_yaml, "the training of one network") if is_study else (self.storage, "a study")
        if other.exists():
            raise error("E-FILE", f"{self.path} is the run directory of {what}", help="choose another folder with out=FOLDER")

    def refuse_links(self) -> None:
        """Raise StorageError (E-IO) if a symbolic link is in the place of a file or folder of the run: it would be written elsewhere."""
        link = find_link(self.path)
        if link is not None:
            help = "put what it points to in its place, or choose another folder"
            raise error("E-IO", f"{link} is a symbolic link, and is not followed", help=help, cls=StorageError)

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


def own_names() -> frozenset[str]:
    """Return the names of all files and folders at the top of a run directory."""
    run = RunDir(Path())
    places = [getattr(one, name) for one in (run, run.training) for name, own in vars(type(one)).items() if isinstance(own, property)]
    places += [run.trial(0).path, run.baseline_trial.path, Path(f"{run.storage}-wal"), Path(f"{run.storage}-shm")]
    return frozenset(place.parts[0] for place in places if isinstance(place, Path) and place.parts)


def find_link(folder: Path) -> Path | None:
    """Return a symbolic link among the files of a run directory, or anywhere in its folders; None if there is none.

    The folder itself may be one, and so may files beside those of the run.
    """
    try:
        places = [entry for entry in os.scandir(folder) if entry.name in own_names()]
        while places:
            entry = places.pop()
            if entry.is_symlink():
                return Path(entry.path)
            if entry.is_dir():
                places += os.scandir(entry.path)
    except OSError:  # a folder that is missing or cannot be read: whoever opens it says so
        pass
    return None


def list_visible_files(folder: Path) -> list[str]:
    """Return the names in a folder, sorted, without hidden ones; empty where there is no folder that can be read."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []


def is_database(path: Path) -> bool:
    """Return whether a file is an SQLite database."""
    try:
        with open(path, "rb") as file:
            return file.read(15) == b"SQLite format 3"
    except OSError:
        return False


def read_card(folder: Path) -> str | None:
    """Return the model card of an exported network's folder; None where there is none."""
    card = folder / CARD
    return card.read_text(encoding="utf-8") if card.is_file() else None


def folder_name(label: str) -> str:
    """Return a network's label as a folder's name."""
    return re.sub(r"[^a-z0-9._-]", "_", label.lower())[:64]


def finalist_name(label: str, repeat: int = 0) -> str:
    """Return the name of a finalist and its folder: its label's, and of a search after the first which one: `hs-s4.repeat-1`."""
    suffix = f".repeat-{repeat}" if repeat else ""
    return folder_name(label)[: 64 - len(suffix)] + suffix
