"""The study's database: one SQLite file in the run directory.

Only the driver opens it for writing, and only for the study that it was made for. `read_stored_study` reads it beside a running driver,
without a lock and without writing.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage

from blockspace.errors import BlockspaceError, Mistake, StorageError, error
from blockspace.files import anchor, parse_json, storage_error
from blockspace.records import RunDir, TrialRecord
from blockspace.searching.numbering import TrialNumbers, name_repeat, read_numbers, read_trial_records, split_repeat
from blockspace.searching.options import SearchOptions
from blockspace.searching.optuna_adapter import DamagedRecord
from blockspace.searching.plan import SearchPlan, diff_configs

DIGEST = "blockspace:study"
TRIALS = "blockspace:trials"
REPEATS = "blockspace:repeats"
ENDED = "blockspace:ended"  # the number of trials at which the search was over
LATER_KEYS = ("imports",)  # of the digest, which earlier versions did not write


@contextmanager
def open_study(
    folder: Path, name: str, plan: SearchPlan, sampler: optuna.samplers.BaseSampler, digest: dict[str, Any]
) -> Iterator[tuple[optuna.Study, TrialNumbers]]:
    """Open the study of the plan's repeat in `folder`, made when there is none, with the numbers of its trials.

    Raises StorageError (E-STORE: damaged, or of another Optuna; E-IO, E-DISK) and BlockspaceError (E-CHANGED: another `digest`, or fewer
    trials or repeats).
    """
    path = RunDir.of(folder).storage
    check_intact(path)
    with translate_errors(path), silence_optuna():
        with translate_version_error(path):
            storage = connect_storage(path)
        try:
            with anchor(path):
                own = name_repeat(name, plan.repeat)
                directions = [optuna.study.StudyDirection[word.upper()] for word in plan.objectives.values()]
                study = optuna.create_study(storage=storage, study_name=own, sampler=sampler, directions=directions, load_if_exists=True)
                check_unchanged(study, to_json_data(digest), plan)  # first: another number of objectives cannot be named
                study.set_metric_names(list(plan.objectives))
                known = optuna.get_all_study_summaries(storage, include_best_trial=False)
                yield study, read_numbers(study, plan.repeat, sum(one.n_trials for one in known if one.study_name != own))
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
        raise database_error(path, str(reason)) from reason
    except sqlite3.DatabaseError as reason:
        answer = str(reason)
    if answer != "ok":
        raise damaged_database(path, answer.splitlines()[-1])


def damaged_database(path: Path, reason: str) -> StorageError:
    """Return the error (E-STORE) of a database whose content is damaged."""
    help = f"move {path.name} away and run the same command again: finished trials are adopted from trials/*/result.json"
    return StorageError(Mistake("E-STORE", f"{path}: the study's database is damaged ({reason})", help=help), path=str(path))


def database_error(path: Path, text: str) -> StorageError:
    """Return the error for what SQLite says: E-DISK, E-IO for storage that fails, else E-STORE."""
    words = text.lower()
    if "full" in words:
        return storage_error(path, OSError(errno.ENOSPC, text))
    if any(one in words for one in ("disk i/o error", "unable to open", "readonly", "locking protocol")):
        return storage_error(path, OSError(errno.EIO, text))
    if any(one in words for one in ("malformed", "not a database")):
        return damaged_database(path, text)
    help = "see that no other program uses it, then run the same command again"
    return StorageError(Mistake("E-STORE", f"{path}: {text}", help=help), path=str(path))


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Raise the database's errors as StorageError (E-STORE, E-DISK, E-IO), also those about what is stored in it."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, optuna.exceptions.StorageInternalError) as reason:
        cause = reason.__cause__ or reason
        text = (str(getattr(cause, "orig", None) or cause).splitlines() or [type(cause).__name__])[0]
        raise database_error(path, text) from reason
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as reason:  # of a record that is not what was stored
        damage = str(reason) if isinstance(reason, DamagedRecord) else find_damaged_record(path)
        if damage is None:
            raise
        raise damaged_database(path, damage) from reason


JSON_COLUMNS = {
    "study_user_attributes": "value_json",
    "study_system_attributes": "value_json",
    "trial_user_attributes": "value_json",
    "trial_system_attributes": "value_json",
    "trial_params": "distribution_json",
}


def find_damaged_record(path: Path) -> str | None:
    """Return what is wrong with the first text of the database that is not JSON, as `trial 3, costs: ...`; None if there is none."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
        try:
            return next((f"{where}: {reason}" for _, _, where, reason in list_damaged_records(connection)), None)
        finally:
            connection.close()
    except sqlite3.Error as reason:
        return str(reason)


def list_damaged_records(connection: sqlite3.Connection) -> Iterator[tuple[str, int, str, str]]:
    """Yield (table, row id, where, reason) of each text that should be JSON and is not."""
    for table, column in JSON_COLUMNS.items():
        of_trial = table.startswith("trial_")
        key = "param_name" if table == "trial_params" else "key"
        join = "JOIN trials ON trials.trial_id = own.trial_id" if of_trial else ""
        number, owner = ("trials.number", "trials") if of_trial else ("NULL", "own")
        columns = f"own.rowid, own.{key}, own.{column}, {number}, studies.study_name"
        joined = f"{join} JOIN studies ON studies.study_id = {owner}.study_id"
        for row, name, text, trial, study in connection.execute(f"SELECT {columns} FROM {table} own {joined}"):
            try:
                parse_json(text)
            except (ValueError, TypeError) as reason:
                repeat = split_repeat(str(study))[1]
                where = f"trial {trial}, {name}" if of_trial else str(name)
                yield table, row, f"repeat {repeat}: {where}" if repeat else where, str(reason)


@contextmanager
def translate_version_error(path: Path) -> Iterator[None]:
    """Raise Optuna's complaint about a schema of another version as StorageError (E-STORE)."""
    try:
        yield
    except RuntimeError as reason:
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


def check_unchanged(study: optuna.Study, digest: dict[str, Any], plan: SearchPlan) -> None:
    """Compare `digest` and the plan's numbers of trials and repeats with those the run directory was made for, and store them.

    Raises BlockspaceError (E-CHANGED): only these two numbers may change, and only grow.
    """
    kept, trials, repeats = study.user_attrs, plan.options.trials, plan.options.repeats
    before = kept.get(DIGEST, digest)
    now = {key: value for key, value in digest.items() if key in before or key not in LATER_KEYS}
    rows = diff_configs(before, now, ignored=plan.checked_elsewhere)
    if trials < kept.get(TRIALS, 0):
        rows.append(f"search.trials: {kept[TRIALS]} -> {trials} (may only grow)")
    if not may_follow(kept.get(REPEATS, 1), repeats):
        rows.append(f"search.repeats: {kept[REPEATS]} -> {repeats} (may only grow: a count to a count, `up to` to `up to`)")
    if rows:
        shown = rows[:12] + ([f"... and {len(rows) - 12} more"] if len(rows) > 12 else [])
        message = "the study was changed since its run directory was made:\n  " + "\n  ".join(shown)
        raise error("E-CHANGED", message, help="undo the change, or choose another `out` folder", cls=BlockspaceError)
    if DIGEST not in kept:
        study.set_user_attr(DIGEST, digest)
    if kept.get(TRIALS) != trials:
        study.set_user_attr(TRIALS, trials)
    if kept.get(REPEATS, 1) != repeats:
        study.set_user_attr(REPEATS, repeats)


def may_follow(kept: int | str, asked: int | str) -> bool:
    """Return whether a run directory of `kept` repeats may go on with those asked for.

    The two forms are not mixed: the level of a study that may end early is shared among its looks before the first of them.
    """
    if kept in (1, asked):
        return True
    before, after = (SearchOptions(repeats=one) for one in (kept, asked))
    return before.is_sequential == after.is_sequential and before.repeat_count <= after.repeat_count


def mark_ended(study: optuna.Study, trials: int) -> None:
    """Store that the search is over with so many trials asked for: what comes after it may have begun."""
    if study.user_attrs.get(ENDED) != trials:
        study.set_user_attr(ENDED, trials)


@dataclass(frozen=True)
class StoredStudy:
    """A study as its database has it: the objectives (name to `maximize` or `minimize`), every trial, and each parameter's choices.

    `records` are of all its searches, by number; `ended` maps each search that is over to the number of trials that were asked of it.
    `notes` name what is damaged, and was left out.
    """

    name: str
    objectives: dict[str, str]
    records: list[TrialRecord]
    choices: dict[str, list[str]]
    notes: tuple[str, ...] = ()
    ended: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredSearch:
    """One search of a study as its database has it: Optuna's trials with their numbers in the run directory, the records of the same, and
    the settings that it was made with (None: not stored)."""

    trials: list[optuna.trial.FrozenTrial]
    numbers: TrialNumbers
    records: list[TrialRecord]
    digest: dict[str, Any] | None


def read_stored_study(folder: str | os.PathLike[str]) -> StoredStudy:
    """Return the study in a run directory, as of now. Raises StorageError: E-FILE for no database, E-STORE for one that cannot be read."""
    with open_copy(folder) as (studies, notes):
        return replace(_read_study(studies), notes=tuple(notes))


def read_stored_searches(folder: str | os.PathLike[str]) -> list[StoredSearch]:
    """Return every search of the study in a run directory, the first one first. Raises what `read_stored_study` raises."""
    with open_copy(folder) as (studies, notes):
        if notes:
            raise error("E-STORE", next(iter(notes)), help="a damaged database cannot be compared", cls=StorageError)
        found: list[StoredSearch] = []
        objectives = _read_study(studies).objectives
        for study in studies:
            numbers = read_numbers(study, split_repeat(study.study_name)[1], 0, start=sum(len(one.trials) for one in found))
            records = read_trial_records(study, objectives, numbers)
            found.append(StoredSearch(study.get_trials(deepcopy=True), numbers, records, study.user_attrs.get(DIGEST)))
        return found


@contextmanager
def open_copy(folder: str | os.PathLike[str]) -> Iterator[tuple[list[optuna.Study], dict[str, None]]]:
    """Open a copy in memory of a run directory's database: the Optuna studies of its searches, and notes on what is damaged as keys.

    Raises StorageError.
    """
    path = RunDir.of(folder).storage
    if not path.is_file():
        raise error("E-FILE", f"{folder} has no {path.name}", help="give a run directory, as runs/hs_vs_resnext", cls=StorageError)
    storage = None
    notes: dict[str, None] = {}
    with translate_errors(path), silence_optuna():
        try:
            storage = RDBStorage(
                "sqlite://",
                engine_kwargs={"creator": lambda: copy_database(path, notes)},
                skip_compatibility_check=True,
                skip_table_creation=True,
            )
            names = sorted(optuna.get_all_study_names(storage), key=lambda name: split_repeat(name)[1])
            if not names:
                raise error("E-STORE", f"{path}: no study in it yet", cls=StorageError)
            yield [optuna.load_study(study_name=name, storage=storage) for name in names], notes
        finally:
            if storage is not None:
                storage.remove_session()
                storage.engine.dispose()


def copy_database(path: Path, notes: dict[str, None]) -> sqlite3.Connection:
    """Return a copy of the database in memory, taken at one moment: a long query would hold up the driver's checkpoints.

    Records that are damaged are left out of the copy; `notes` gets a line for each as a key.
    """
    source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    try:
        source.backup(copy)
    finally:
        source.close()
    for table, row, where, reason in list(list_damaged_records(copy)):
        copy.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))
        notes[f"{path}: {where} is damaged and left out ({reason})"] = None
    copy.commit()
    return copy


def declared_choices(distribution: optuna.distributions.BaseDistribution) -> Iterable[Any]:
    """Return all values of a parameter, in their declared order, as `SearchSpace.choices` gives them."""
    if isinstance(distribution, optuna.distributions.IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    return getattr(distribution, "choices", ())


def _read_study(studies: Sequence[optuna.Study]) -> StoredStudy:
    """Return what is stored of an opened study, whose searches are these."""
    first = studies[0]
    names = first.metric_names or [f"value {n}" for n in range(len(first.directions))]
    objectives = {name: direction.name.lower() for name, direction in zip(names, first.directions)}
    choices: dict[str, list[str]] = {}
    ended: dict[int, int] = {}
    records: list[TrialRecord] = []
    for study in studies:
        repeat = split_repeat(study.study_name)[1]
        for trial in study.get_trials(deepcopy=False):
            for name, distribution in trial.distributions.items():
                if name not in choices:
                    choices[name] = list(map(str, declared_choices(distribution)))
        records += read_trial_records(study, objectives, read_numbers(study, repeat, 0, start=len(records)))
        if isinstance(trials := study.user_attrs.get(ENDED), int):
            ended[repeat] = trials
    return StoredStudy(first.study_name, objectives, sorted(records, key=lambda record: record.number), choices, ended=ended)
