"""A folder that appears whole: filled under a hidden name beside its place, flushed, renamed.

A kill leaves a hidden `.NAME.PID.tmp` folder, or, between the two renames of a replacement, the old folder as `.NAME.PID.old`; the next
export to the same place removes the one and puts the other back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blockspace.errors import error
from blockspace.files import storage_error, sync_directory, writer_lives

NEW, OLD = ".tmp", ".old"


@contextmanager
def staged_folder(folder: Path, force: bool) -> Iterator[Path]:
    """Yield an empty folder to fill; removed afterwards unless renamed. Raises BlockspaceError, StorageError (E-IO, E-DISK)."""
    stage = hidden_path(folder, NEW)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(folder)
        refuse_existing(folder, force)
        stage.mkdir()
        yield stage
    except OSError as reason:
        raise storage_error(folder, reason) from reason
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def hidden_path(folder: Path, ending: str) -> Path:
    """Return `.NAME.PID.tmp` beside the folder."""
    return folder.with_name(f".{folder.name}.{os.getpid()}{ending}")


def refuse_existing(folder: Path, force: bool) -> None:
    """Raise BlockspaceError (E-IO) when something is there that may not be replaced."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not force:
        raise error("E-IO", f"{folder} exists", help="choose another folder, or replace it with --force (force=True)")
    if folder.is_symlink() or not folder.is_dir():
        raise error("E-IO", f"{folder} is not a folder, so it is not replaced", help="choose another place")


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed export to this place left, and put back a folder it had moved aside."""
    for left in sorted(folder.parent.glob(f".{glob_literal(folder.name)}.*")):
        if left.name[len(folder.name) + 2 :].removesuffix(NEW).removesuffix(OLD).isdigit() and not writer_lives(left.with_suffix(NEW)):
            if left.suffix == OLD and not folder.exists():
                os.rename(left, folder)
            else:
                shutil.rmtree(left, ignore_errors=True)


def glob_literal(name: str) -> str:
    """Return the name for `Path.glob`, its own wildcards taken literally."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def replace_folder(folder: Path, stage: Path, force: bool) -> None:
    """Put the filled folder in its place; an older one is moved aside first and removed last."""
    for path in stage.iterdir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    sync_directory(stage)
    refuse_existing(folder, force)  # it may have come while we were writing
    aside = hidden_path(folder, OLD)
    replacing = folder.exists()
    if replacing:
        os.rename(folder, aside)
    try:
        os.rename(stage, folder)
    except OSError:
        if replacing:
            os.rename(aside, folder)
        raise
    sync_directory(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)
