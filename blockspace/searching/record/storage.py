"""The study's database: one SQLite file in the run directory, opened by the driver alone."""

from __future__ import annotations

import errno
import json
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage

from blockspace.errors import BlockspaceError, StorageError, error
from blockspace.files import storage_error
from blockspace.records import RunDir
from blockspace.searching.record.config_diff import diff_configs

DIGEST = "blockspace:study"
TRIALS = "blockspace:trials"


@contextmanager
def open_study(
    folder: Path,
    name: str,
    objectives: dict[str, str],
    sampler: optuna.samplers.BaseSampler,
    digest: dict[str, Any],
    trials: int,
) -> Iterator[optuna.Study]:
    """Open the study in `folder`, made when there is none; `objectives` maps a metric to `maximize` or `minimize`.

    Raises StorageError (E-STORE: damaged, or of another Optuna; E-IO, E-DISK) and BlockspaceError (E-CHANGED: another `digest`,
    or fewer `trials`).
    """
    path = RunDir.of(folder).storage
    check_intact(path)
    with translate_errors(path), silence_optuna():
        storage = connect_storage(path)
        try:
            directions = [optuna.study.StudyDirection[word.upper()] for word in objectives.values()]
            study = optuna.create_study(storage=storage, study_name=name, sampler=sampler, directions=directions, load_if_exists=True)
            study.set_metric_names(list(objectives))
            check_unchanged(study, to_json_data(digest), trials)
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()


def connect_storage(path: Path) -> RDBStorage:
    """Return SQLite storage with a write-ahead log and without fsync per commit: 10x faster, and safe when the process dies.

    After a power cut the last rows may be missing; the trials' own result files bring them back.
    """
    url = sqlalchemy.URL.create("sqlite", database=str(path)).render_as_string().replace("{", "{{").replace("}", "}}")
    storage = RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}})

    @sqlalchemy.event.listens_for(storage.engine, "connect")
    def set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    storage.engine.dispose()  # drops the connection that was opened before the hook
    return storage


def check_intact(path: Path) -> None:
    """Check the file by SQLite's quick check. Raises StorageError (E-STORE) for a damaged file."""
    if not path.exists():
        return
    try:
        connection = sqlite3.connect(path, timeout=60)
        try:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError as reason:
        raise error("E-IO", f"{path} cannot be opened: {reason}", cls=StorageError) from reason
    except sqlite3.DatabaseError as reason:
        answer = str(reason)
    if answer != "ok":
        help = f"move {path.name} away and run the same command again: finished trials are adopted from trials/*/result.json"
        raise error("E-STORE", f"{path}: the study's database is damaged ({answer.splitlines()[-1]})", help=help, cls=StorageError)


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise the database's errors as StorageError (E-STORE, E-DISK)."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, optuna.exceptions.StorageInternalError) as reason:
        cause = reason.__cause__ or reason
        text = str(getattr(cause, "orig", None) or cause).splitlines()[0]
        if "full" in text:
            raise storage_error(path, OSError(errno.ENOSPC, text)) from reason
        raise error("E-STORE", f"{path}: {text}", cls=StorageError) from reason
    except RuntimeError as reason:  # Optuna's check of the schema's version
        if "schema" not in str(reason) and "version" not in str(reason):
            raise
        help = "use the version of Optuna that made it, or another run directory"
        raise error("E-STORE", f"{path}: made by another version of Optuna", help=help, cls=StorageError) from reason


@contextmanager
def silence_optuna() -> Iterator[None]:
    """Suppress Optuna's log lines and its notes on experimental features; other warnings are shown."""
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(level)


def to_json_data(value: Any) -> Any:
    """Return the value as JSON gives it back: tuples become lists, keys become text."""
    return json.loads(json.dumps(value))


def check_unchanged(study: optuna.Study, digest: dict[str, Any], trials: int) -> None:
    """Compare with what the run directory was made for, and keep it. More trials are a longer search, anything else another question."""
    kept = study.user_attrs
    rows = diff_configs(kept[DIGEST], digest) if DIGEST in kept else []
    if trials < kept.get(TRIALS, 0):
        rows.append(f"search.trials: {kept[TRIALS]} -> {trials} (may only grow)")
    if rows:
        shown = rows[:12] + ([f"... and {len(rows) - 12} more"] if len(rows) > 12 else [])
        message = "the study was changed since its run directory was made:\n  " + "\n  ".join(shown)
        raise error("E-CHANGED", message, help="undo the change, or choose another `out` folder", cls=BlockspaceError)
    if DIGEST not in kept:
        study.set_user_attr(DIGEST, digest)
    if kept.get(TRIALS) != trials:
        study.set_user_attr(TRIALS, trials)
