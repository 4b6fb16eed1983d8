"""One driver per run directory: a lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import errno
import json
import os
import socket
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from blockspace.errors import BlockspaceError, StorageError, error
from blockspace.files import anchor, make_folder, parse_json, storage_error
from blockspace.records import RunDir


class StudyLock:
    """Holds `study.lock` in `folder` while the `with` block runs; the file says who (pid, host, start time) and stays there, unlocked.

    Raises StorageError: E-LOCKED if another process holds it, E-IO if the folder cannot be written or its file system has no locks. No
    lock is ever stale: after kill -9 the next start gets it at once, and knows that every running trial is an orphan. Folder and lock file
    are in use while it is held (see `files.anchor`): when they are moved or removed, whatever would be written raises StorageError.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.path = RunDir.of(folder).lock
        self._anchors = ExitStack()
        from filelock import FileLock  # here: a tenth of a second that only a start pays

        # never a soft lock, which a kill leaves behind; the file is kept, so that nobody locks one that was just deleted
        self._lock = FileLock(
            self.path, blocking=False, thread_local=False, fallback_to_soft=False, preserve_lock_file=True, on_acquired=self._write_holder
        )

    def __enter__(self) -> Self:
        try:
            make_folder(self.folder)
        except OSError as reason:
            raise storage_error(self.path, reason) from reason
        RunDir.of(self.folder).refuse_links()
        self._acquire()
        try:
            for path in (self.folder, self.path):
                self._anchors.enter_context(anchor(path))
        except OSError as reason:
            self._anchors.close()
            self._lock.release()
            raise storage_error(self.path, reason) from reason
        return self

    def _acquire(self) -> None:
        """Take the lock, or raise StorageError with the reason why not."""
        from filelock import Timeout

        try:
            self._lock.acquire()
        except Timeout:
            cause = _find_refusal(self.path)
            if cause is not None:
                raise self._unlockable(cause) from None
            help = "wait for it, or stop it; its results are not lost"
            message = f"{self.folder}: another process runs this study ({_describe_holder(self.path)})"
            raise error("E-LOCKED", message, help=help, cls=StorageError) from None
        except NotImplementedError as reason:
            raise self._unlockable(str(reason)) from reason
        except OSError as reason:
            if reason.filename is None and not isinstance(reason, _HolderNotWritten):  # of flock itself: ENOLCK on some network disks
                raise self._unlockable(reason.strerror or str(reason)) from reason
            raise storage_error(self.path, reason) from reason

    def __exit__(self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None) -> None:
        self._anchors.close()
        self._lock.release()

    def _unlockable(self, cause: str) -> BlockspaceError:
        help = "choose a folder on a disk that has locks (flock)"
        return error("E-IO", f"{self.path} cannot be locked: {cause}", help=help, cls=StorageError)

    def _write_holder(self, descriptor: int) -> None:
        """Write who holds the lock; also the probe that the folder can be written at all, before any trial starts."""
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "started": datetime.now().astimezone().isoformat(timespec="seconds")}
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, (json.dumps(holder) + "\n").encode(), 0)
        except OSError as reason:
            raise _HolderNotWritten(reason.errno, reason.strerror) from reason


class _HolderNotWritten(OSError):
    """The lock was taken, but its file could not be written."""


def _find_refusal(path: Path) -> str | None:
    """Return the system's reason why a lock is refused that nobody holds; None if it is held. Some file systems say EACCES for both."""
    import fcntl

    try:
        with open(path, "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as reason:
        held = reason.errno in (errno.EAGAIN, errno.EWOULDBLOCK) or (reason.errno == errno.EACCES and _is_locked(path.stat().st_ino))
        return None if held else reason.strerror or str(reason)
    return None


def _describe_holder(path: Path) -> str:
    """Return who wrote the lock file: `pid 4711 on ada since 2026-01-31T12:00:00+01:00`."""
    try:
        holder = parse_json(path.read_text(encoding="utf-8"))
        return f"pid {holder['pid']} on {holder['host']} since {holder['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has not said who it is"


def find_lock_holder(folder: str | os.PathLike[str]) -> str | None:
    """Return who holds the lock in `folder` now, found without taking it; None when nobody does."""
    path = RunDir.of(folder).lock
    try:
        return _describe_holder(path) if _is_locked(path.stat().st_ino) else None
    except OSError:
        return None


def _is_locked(inode: int) -> bool:
    """Return whether the kernel lists a lock on this file; False where there is no such list (not Linux).

    The device is not compared: overlay file systems show another one there.
    """
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    return any("FLOCK" in line and line.split()[-3].endswith(f":{inode}") for line in lines)
