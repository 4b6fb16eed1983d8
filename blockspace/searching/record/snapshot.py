"""What a study's database holds, read beside a running driver: no lock is taken and nothing is written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage

from blockspace.errors import StorageError, error
from blockspace.records import RunDir, TrialRecord
from blockspace.searching.record.optuna_adapter import read_trial_records
from blockspace.searching.record.storage import quiet, translated


@dataclass(frozen=True)
class Stored:
    """A study as its database has it: the objectives (name to maximize or minimize), every row, and per hole its choices."""

    name: str
    objectives: dict[str, str]
    rows: list[TrialRecord]
    choices: dict[str, list[str]]


def stored(folder: str | os.PathLike[str]) -> Stored:
    """The study in a run directory, as of now. Raises StorageError: E-FILE for no database, E-STORE for one that cannot be read."""
    path = RunDir.of(folder).storage
    if not path.is_file():
        raise error("E-FILE", f"{folder} holds no {path.name}", help="give a run directory, as runs/hs_vs_resnext", cls=StorageError)
    storage = None
    with translated(path), quiet():
        try:
            storage = RDBStorage(
                "sqlite://",
                engine_kwargs={"creator": lambda: read_only(path)},
                skip_compatibility_check=True,
                skip_table_creation=True,
            )
            names = optuna.get_all_study_names(storage)
            if not names:
                raise error("E-STORE", f"{path}: no study in it yet", cls=StorageError)
            study = optuna.load_study(study_name=names[0], storage=storage)
            return read(study)
        finally:
            if storage is not None:
                storage.remove_session()
                storage.engine.dispose()


def read_only(path: Path) -> sqlite3.Connection:
    """A copy of the database in memory, taken at one moment: readers of a long query would hold up the driver's checkpoints."""
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        source.backup(copy)
    finally:
        source.close()
    return copy


def declared(distribution) -> Iterable:
    """All values of a hole, in their declared order, as `SearchSpace.choices` gives them."""
    if isinstance(distribution, optuna.distributions.IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    return getattr(distribution, "choices", ())


def read(study: optuna.Study) -> Stored:
    names = study.metric_names or [f"value {n}" for n in range(len(study.directions))]
    objectives = {name: direction.name.lower() for name, direction in zip(names, study.directions)}
    choices: dict[str, list[str]] = {}
    for trial in study.get_trials(deepcopy=False):
        for name, distribution in trial.distributions.items():
            if name not in choices:
                choices[name] = list(map(str, declared(distribution)))
    return Stored(study.study_name, objectives, read_trial_records(study, objectives), choices)
