"""Reader of a study's database beside a running driver: no lock is taken and nothing is written."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage

from blockspace.errors import StorageError, error
from blockspace.records import RunDir, TrialRecord
from blockspace.searching.record.optuna_adapter import read_trial_records
from blockspace.searching.record.storage import silence_optuna, translate_errors


@dataclass(frozen=True)
class StoredStudy:
    """A study as its database has it: the objectives (name to `maximize` or `minimize`), every trial, and each parameter's choices."""

    name: str
    objectives: dict[str, str]
    records: list[TrialRecord]
    choices: dict[str, list[str]]


def read_stored_study(folder: str | os.PathLike[str]) -> StoredStudy:
    """Return the study in a run directory, as of now. Raises StorageError: E-FILE for no database, E-STORE for one that cannot be read."""
    path = RunDir.of(folder).storage
    if not path.is_file():
        raise error("E-FILE", f"{folder} has no {path.name}", help="give a run directory, as runs/hs_vs_resnext", cls=StorageError)
    storage = None
    with translate_errors(path), silence_optuna():
        try:
            storage = RDBStorage(
                "sqlite://",
                engine_kwargs={"creator": lambda: copy_database(path)},
                skip_compatibility_check=True,
                skip_table_creation=True,
            )
            names = optuna.get_all_study_names(storage)
            if not names:
                raise error("E-STORE", f"{path}: no study in it yet", cls=StorageError)
            study = optuna.load_study(study_name=names[0], storage=storage)
            return _read_study(study)
        finally:
            if storage is not None:
                storage.remove_session()
                storage.engine.dispose()


def copy_database(path: Path) -> sqlite3.Connection:
    """Return a copy of the database in memory, taken at one moment: a long query would hold up the driver's checkpoints."""
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        source.backup(copy)
    finally:
        source.close()
    return copy


def declared_choices(distribution: optuna.distributions.BaseDistribution) -> Iterable[Any]:
    """Return all values of a parameter, in their declared order, as `SearchSpace.choices` gives them."""
    if isinstance(distribution, optuna.distributions.IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    return getattr(distribution, "choices", ())


def _read_study(study: optuna.Study) -> StoredStudy:
    """Return an opened study."""
    names = study.metric_names or [f"value {n}" for n in range(len(study.directions))]
    objectives = {name: direction.name.lower() for name, direction in zip(names, study.directions)}
    choices: dict[str, list[str]] = {}
    for trial in study.get_trials(deepcopy=False):
        for name, distribution in trial.distributions.items():
            if name not in choices:
                choices[name] = list(map(str, declared_choices(distribution)))
    return StoredStudy(study.study_name, objectives, read_trial_records(study, objectives), choices)
