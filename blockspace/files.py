"""Files that are whole or absent: written beside their place, flushed to the disk, then renamed into it.

The temporary file is in the target's own directory, so the rename never crosses a file system; directory and file are both fsynced, so
what was reported as written survives a power cut. A kill in between leaves at most a hidden `.NAME.PID.tmp`, which `sweep` removes.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from blockspace.errors import BlockspaceError, StorageError, error
from blockspace.inputs import expand_path

TEMPORARY = ".tmp"
GRAPH = "graph.json"  # of an exported graph that no YAML describes: networkx's node-link form
ARCH, WEIGHTS = "arch.yaml", "weights.safetensors"  # of a network, in every folder that holds one
RESULT, CARD = "result.json", "card.md"  # of a training that has ended, and of an exported network


def write_atomic(path: str | Path, data: bytes | memoryview | str) -> Path:
    """Write `data` (text as UTF-8) to `path`: afterwards it holds the old content or the new, never a part.

    Missing parent directories are made. Raises StorageError: E-DISK when the disk or the quota is full, else E-IO.
    """
    path = Path(path)
    temporary = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_directory(path.parent)
    except OSError as reason:
        remove_quietly(temporary)
        raise storage_error(path, reason) from reason
    return path


def find_home_folder(path: Path) -> Path | None:
    """Return a path with `~` replaced by the home folder; None where there is none: no HOME, and a user id that no name belongs to."""
    try:
        return expand_path(path)
    except BlockspaceError:
        return None


def temporary_path(path: Path) -> Path:
    """Return the temporary name of `path`: hidden, in the same directory, with this process in it."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")


def sync_directory(path: Path) -> None:
    """Flush the names in a directory; where directories cannot be opened (Windows) nothing is done."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def storage_error(path: Path, reason: OSError) -> BlockspaceError:
    """Return E-DISK or E-IO for an error of the system about `path`."""
    if reason.errno in (errno.ENOSPC, errno.EDQUOT):
        return error("E-DISK", f"{path}: the disk is full", help="free some space and run the same command again", cls=StorageError)
    help = "choose a folder you may write to" if reason.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else None
    return error("E-IO", f"{path} cannot be written: {reason.strerror or reason}", help=help, cls=StorageError)


def remove_quietly(path: Path) -> None:
    """Remove a file if it exists and can be removed; used while another error, which matters more, is handled."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass


def sweep_temporaries(folder: str | Path) -> list[Path]:
    """Remove what killed writers left in `folder` (not below it): `.NAME.PID.tmp` of processes that no longer run. Returns what went."""
    folder = Path(folder)
    left = [path for path in folder.glob(f".*{TEMPORARY}") if path.is_file() and not writer_lives(path)]
    for path in left:
        remove_quietly(path)
    return left


def writer_lives(temporary: Path) -> bool:
    """Return whether the process named in `.NAME.PID.tmp` still runs on this machine; a name without a process counts as left over."""
    pid = temporary.name.removesuffix(TEMPORARY).rpartition(".")[2]
    if not pid.isdigit():
        return False
    if os.name != "posix":
        return True  # elsewhere signal 0 is not a question
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
