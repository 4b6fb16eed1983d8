"""A folder that appears whole: filled under a hidden name beside its place, flushed, renamed.

A kill leaves a hidden `.NAME.PID.tmp` folder, or, between the two renames of a replacement, the old folder as `.NAME.PID.old`; the next
export to the same place removes the one and puts the other back.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from blockspace.errors import error
from blockspace.files import ARCH, CARD, GRAPH, make_folder, storage_error, sync_directory, writer_lives

NEW, OLD = ".tmp", ".old"


@contextmanager
def staged_folder(folder: Path, force: bool) -> Iterator[Path]:
    """Yield an empty folder to fill; removed afterwards unless renamed. Raises BlockspaceError, StorageError (E-IO, E-DISK)."""
    if not folder.name or folder.name == ".." or (folder.exists() and folder.samefile(os.curdir)):
        raise error("E-IO", f"{folder} cannot be replaced as a whole, which an export does", help="name a folder in it")
    stage = hidden_path(folder, NEW)
    try:
        make_folder(folder.parent)
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
    """Raise BlockspaceError (E-IO) when something is there that may not be replaced; an empty folder may always."""
    if not folder.exists() and not folder.is_symlink():
        return
    is_folder = folder.is_dir() and not folder.is_symlink()
    if is_folder and not any(folder.iterdir()):
        return
    if not force:
        raise error("E-IO", f"{folder} exists", help="choose another folder, or replace an earlier export with --force (force=True)")
    if not is_folder:
        raise error("E-IO", f"{folder} is not a folder, so it is not replaced", help="choose another place")
    if not (folder / CARD).is_file():
        names = ", ".join(sorted(path.name for path in folder.iterdir())[:3])
        message = f"{folder} holds {names} and no {CARD}: it is not an export, so it is not replaced"
        raise error("E-IO", message, help="choose another folder")


def refuse_foreign(folder: Path, written: Collection[str]) -> None:
    """Raise BlockspaceError (E-IO) if an exported folder holds files that no export wrote, which would be lost; `written` are new ones."""
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in written and not is_exported_file(path))
    if foreign:
        message = f"{folder} holds {', '.join(foreign[:3])}, which no export wrote, so it is not replaced"
        raise error("E-IO", message, help="move that away, or choose another folder")


def is_exported_file(path: Path) -> bool:
    """Return whether a file of an exported folder has a name that an export may have given it."""
    stem, _, ending = path.name.partition(".")
    if path.name in (ARCH, CARD, GRAPH, "config.json", "__pycache__"):
        return True
    if stem in ("model", "model_deploy", "weights", "weights_deploy"):
        return ending in ("py", "onnx", "pt2", "safetensors")
    return ending == "py" and (path.parent / "config.json").is_file()  # what registers the network with timm


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
    if folder.exists():
        refuse_foreign(folder, {path.name for path in stage.iterdir()})
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
