"""One driver per run directory: a lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from datetime import datetime
from pathlib import Path
from typing import IO

from blockspace.errors import StorageError, error
from blockspace.files import storage_error

NAME = "study.lock"


class StudyLock:
    """Holds `study.lock` in `folder` while the `with` block runs; the file says who (pid, host, start time) and stays behind, unlocked.

    Raises StorageError: E-LOCKED when another process holds it, E-IO when the folder cannot be written. There is no stale lock to
    wait for: after kill -9 the next start gets it at once, and knows that every running trial is an orphan.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self._file: IO[str] | None = None

    def __enter__(self) -> StudyLock:
        file = self._open()
        if not take(file):
            holder = describe(file)
            file.close()
            help = "wait for it, or stop it; its results are not lost"
            raise error("E-LOCKED", f"{self.folder}: another process runs this study ({holder})", help=help, cls=StorageError)
        self._file = file
        self._sign(file)
        return self

    def __exit__(self, *_) -> None:
        if self._file:
            self._file.close()  # closing frees the lock
            self._file = None

    def _open(self) -> IO[str]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return open(self.path, "a+", encoding="utf-8")
        except OSError as reason:
            raise storage_error(self.path, reason) from reason

    def _sign(self, file: IO[str]) -> None:
        """Also the probe that the folder can be written at all, before any trial starts."""
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "started": datetime.now().astimezone().isoformat(timespec="seconds")}
        try:
            file.truncate(0)
            file.write(json.dumps(holder) + "\n")
            file.flush()
        except OSError as reason:
            raise storage_error(self.path, reason) from reason


def take(file: IO[str]) -> bool:
    """Take the lock without waiting; False when another open file holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def describe(file: IO[str]) -> str:
    """Who wrote the lock file: `pid 4711 on ada since 2026-01-31T12:00:00+01:00`."""
    try:
        file.seek(0)
        holder = json.loads(file.read())
        return f"pid {holder['pid']} on {holder['host']} since {holder['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said who it is"


def holder(folder: str | Path) -> str | None:
    """Who holds the lock in `folder` now, found without taking it; None when nobody does."""
    path = Path(folder) / NAME
    try:
        with open(path, encoding="utf-8") as file:
            return describe(file) if locked(os.fstat(file.fileno()).st_ino) else None
    except OSError:
        return None


def locked(inode: int) -> bool:
    """Whether the kernel lists a lock on this file. Where there is no such list (not Linux), nothing is said to be locked.

    The device is not compared: overlay file systems show another one there.
    """
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    return any("FLOCK" in line and line.split()[-3].endswith(f":{inode}") for line in lines)
