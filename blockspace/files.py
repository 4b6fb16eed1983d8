"""Files that are whole or absent: written beside their place, flushed to the disk, then renamed into it.

The temporary file is in the target's own directory, so the rename never crosses a file system; directory and file are both fsynced, so
what was reported as written survives a power cut. A kill in between leaves at most a hidden `.NAME.PID.tmp`, which `sweep` removes.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blockspace.errors import BlockspaceError, Mistake, StorageError, error
from blockspace.inputs import expand_path

TEMPORARY = ".tmp"
FULL = (errno.ENOSPC, errno.EDQUOT)  # the system's numbers for a disk, or a quota, that is full
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
# numbers that say that storage, or the machine, failed, whatever was asked of it
FAILING = (
    *FULL, errno.EIO, errno.EROFS, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ENOLCK, errno.EMFILE, errno.ENFILE,
    errno.ENOTCONN,
)  # fmt: skip
GRAPH = "graph.json"  # of an exported graph that no YAML describes: networkx's node-link form
ARCH, WEIGHTS = "arch.yaml", "weights.safetensors"  # of a network, in every folder that holds one
SVG_BEGINNINGS, PNG_BEGINNING = (b"<svg", b"<?xml"), b"\x89PNG"  # of pictures, which may replace earlier ones
RESULT, CARD = "result.json", "card.md"  # of a training that has ended, and of an exported network
FACTS = "facts.json"  # of an exported network: recipe, data, preprocessing, classes, results


def write_atomic(path: str | Path, data: bytes | memoryview | str) -> Path:
    """Write `data` (text as UTF-8) to `path`: afterwards it holds the old content or the new, never a part.

    Missing parent directories are made. Raises StorageError: E-DISK when the disk or the quota is full, else E-IO.
    """
    path = Path(path)
    temporary = temporary_path(path)
    try:
        make_folder(path.parent)
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


def check_replaceable(path: str | os.PathLike[str], *beginnings: bytes) -> None:
    """Check that a file may be written: none is there, or one that begins as it will. Raises BlockspaceError (E-FILE)."""
    try:
        with open(path, "rb") as file:
            start = file.read(max(map(len, beginnings)))
    except FileNotFoundError:
        return
    except OSError as reason:
        raise storage_error(path, reason) from reason
    if start and not start.startswith(beginnings):
        raise error("E-FILE", f"{path} exists and is another kind of file, so it is not replaced", help="choose another name")


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


def storage_error(path: str | os.PathLike[str], reason: OSError) -> StorageError:
    """Return E-DISK or E-IO for an error of the system about `path`."""
    if reason.errno in FULL:
        help = "free some space and run the same command again"
        return StorageError(Mistake("E-DISK", f"{path}: the disk is full", help=help), path=str(path))
    message = f"{path} cannot be written: {reason.strerror or reason}"
    return StorageError(Mistake("E-IO", message, help=suggest_remedy(reason.errno)), path=str(path))


def suggest_remedy(number: int | None) -> str:
    """Return the next step after an error of the system."""
    if number in FORBIDDEN:
        return "choose a folder you may write to"
    if number == errno.ELOOP:
        return "a symbolic link is in its place: remove the link"
    if number in (errno.ENOENT, errno.ENOTDIR):
        return "put back what is missing, or choose another folder"
    return "see that the disk works, then run the same command again"


def find_storage_error(reason: BaseException, folder: str | os.PathLike[str]) -> StorageError | None:
    """Return the storage's error (E-DISK, E-IO, E-SHM) that an exception is, or was raised from; None where the storage did not fail.

    That is a StorageError; an error of the system of a kind that only storage has (a full disk, a failing one), at any path; any error of
    the system at a path in `folder`; and an exception that quotes one, as those of libraries written in other languages do.
    """
    for part in list_causes(reason):
        if isinstance(part, StorageError) and all(mistake.code in ("E-DISK", "E-IO", "E-SHM") for mistake in part.mistakes):
            return part
        if isinstance(part, OSError) and (part.errno in FAILING or (part is reason and lies_in(part.filename, folder))):
            return storage_error(part.filename or folder, part)
        for number in (*FULL, errno.EIO):
            if not isinstance(part, OSError) and os.strerror(number) in str(part):
                return storage_error(folder, OSError(number, os.strerror(number)))
    return None


def list_causes(reason: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was raised from."""
    part: BaseException | None = reason
    seen: set[int] = set()
    while part is not None and id(part) not in seen:
        seen.add(id(part))
        yield part
        part = part.__cause__ or (None if part.__suppress_context__ else part.__context__)


def lies_in(path: object, folder: str | os.PathLike[str]) -> bool:
    """Return whether `path`, as an exception names it, is `folder` or below it."""
    if not isinstance(path, (str, os.PathLike)):
        return False
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))


@contextmanager
def as_storage_error(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Raise the system's errors about storage, and about anything in `folder`, as StorageError (E-DISK, E-IO)."""
    try:
        yield
    except OSError as reason:
        found = find_storage_error(reason, folder)
        if found is None:
            raise
        raise found from reason


_anchors: list[tuple[Path, tuple[int, int]]] = []  # what is in use: its absolute path, and its device and inode


@contextmanager
def anchor(path: str | os.PathLike[str]) -> Iterator[None]:
    """Treat a file or folder as in use while the block runs.

    `check_anchors` raises once it was moved, removed or replaced, and nothing here makes it anew. Raises OSError where it is not there.
    """
    place = Path(os.path.abspath(path))
    found = os.stat(place)
    entry = (place, (found.st_dev, found.st_ino))
    _anchors.append(entry)
    try:
        yield
    finally:
        _anchors.remove(entry)


def check_anchors(path: str | os.PathLike[str] | None = None) -> None:
    """Raise StorageError (E-IO) if anything in use was moved, removed or replaced; with a `path`, only what that path lies in."""
    for place, identity in _anchors:
        if path is not None and not lies_in(path, place):
            continue
        try:
            now = os.stat(place)
            is_same = (now.st_dev, now.st_ino) == identity
        except (FileNotFoundError, NotADirectoryError):
            is_same = False
        except OSError as reason:
            raise storage_error(place, reason) from reason
        if not is_same:
            message = f"{place} was moved, removed or replaced while it was in use; nothing was written after that"
            help = "put it back and run the same command again, or start in another folder"
            raise StorageError(Mistake("E-IO", message, help=help), path=str(place))


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and those above it, where they are missing; return it. One that is in use (`anchor`) is never made anew.

    Raises OSError, and StorageError (E-IO) where the folder in use that it belongs to is gone.
    """
    folder = Path(os.path.abspath(path))
    roots = [place for place, _ in _anchors if folder.is_relative_to(place)]
    if not roots:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(path)
    check_anchors(folder)
    root = max(roots, key=lambda place: len(place.parts))
    for part in reversed([folder, *folder.parents]):
        if part != root and part.is_relative_to(root):
            part.mkdir(exist_ok=True)
    return Path(path)


def append_line(path: Path, text: str) -> None:
    """Append text to a file in one write; a symbolic link in its place is not followed. Raises OSError."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o666)
    try:
        data = text.encode()
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the content of a JSON file. Raises OSError, and ValueError for anything that is not JSON, or too deep."""
    return parse_json(Path(path).read_bytes())


def parse_json(text: str | bytes) -> Any:
    """Return what a JSON text says. Raises ValueError, also for one that is nested too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


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
