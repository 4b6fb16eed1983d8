"""The space of a study inside its run directory: its file and the block files that it imports, so that a copy of the directory is whole."""

from __future__ import annotations

from pathlib import Path

from blockspace.blocks import Network, gather_template_files
from blockspace.files import write_atomic
from blockspace.records import RunDir
from blockspace.study.resolve import ResolvedStudy


def find_space_inside(resolved: ResolvedStudy) -> str:
    """Return the path of the space's file as its run directory has it, `space/NAME.yaml`; empty where it is not kept there.

    A member of a family of the library is not: it comes with the package, by its name.
    """
    files = gather_template_files(resolved.space.network)
    return (RunDir(Path()).space / next(iter(files))).as_posix() if files else ""


def write_space_files(resolved: ResolvedStudy, run: RunDir) -> None:
    """Write the space's file and the block files that it imports into the run directory. Raises StorageError.

    Files that are there with the same text are left, as where the study is resumed from the run directory itself.
    """
    for name, text in (gather_template_files(resolved.space.network) or {}).items():
        if read_text_quietly(run.space / name) != text:
            write_atomic(run.space / name, text)


def read_text_quietly(path: Path) -> str | None:
    """Return a file's text; None where there is none that can be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def list_import_sections(network: Network) -> tuple[str, ...]:
    """Return the sections of a study's digest that hold paths of imported files: what these hold is compared, not how they are named."""
    return ("space.file.blocks", *(f"space.blocks.{word}.blocks" for word in network.file.imported))
