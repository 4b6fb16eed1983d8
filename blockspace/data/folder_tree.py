"""A folder of images as a tree of names: what lies where, what is left out, and no file opened."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from blockspace.data.image_formats import list_image_suffixes
from blockspace.errors import error

LINKS = 2  # links to folders that are followed on one path: links in a circle of many folders would otherwise never end
# what systems and archives leave behind; hidden names are left out with them
SYSTEM_NAMES = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
    "__pycache__",
}  # fmt: skip


@dataclass(frozen=True)
class FolderTree:
    """A folder: its images by name, the folders in it, and the names of other files and of links that were not followed."""

    path: Path
    images: list[str]
    folders: dict[str, FolderTree]
    others: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    @cached_property
    def count(self) -> int:
        """The images in the folder and below it."""
        return len(self.images) + sum(inner.count for inner in self.folders.values())

    @property
    def filled(self) -> dict[str, FolderTree]:
        """The folders in it that hold an image, at any depth."""
        return {name: inner for name, inner in self.folders.items() if inner.count}

    def list_images(self) -> list[Path]:
        """Return the paths of all images, in the order of their names relative to the folder."""
        if not self.folders:
            return [self.path / name for name in self.images]
        return [self.path / name for name in sorted(self.relative_names())]

    def relative_names(self, prefix: str = "") -> Iterator[str]:
        """Yield the names of all images, relative to the folder."""
        for name in self.images:
            yield prefix + name
        for name, inner in self.folders.items():
            yield from inner.relative_names(f"{prefix}{name}/")

    def walk(self) -> Iterator[FolderTree]:
        """Yield the folder and every one below it."""
        yield self
        for inner in self.folders.values():
            yield from inner.walk()


def read_folder_tree(root: Path) -> FolderTree:
    """Return the tree below `root`; links to folders are followed unless they lead back to a folder above.

    Raises BlockspaceError (E-DATA) for a folder that cannot be listed.
    """
    try:
        return list_folder(root, frozenset(), 0)
    except RecursionError:
        raise error("E-DATA", f"data folder {str(root)!r} nests too deep", help="put the images of a class into one folder") from None


def list_folder(place: Path, above: frozenset[tuple[int, int]], links: int) -> FolderTree:
    """Return one folder's tree, given the (device, inode) of those above it and how many links led here."""
    found = FolderTree(place, [], {})
    suffixes = list_image_suffixes()
    try:
        here = above | {identify(os.stat(place))}
        with os.scandir(place) as entries:
            rows = [(entry, is_folder(entry)) for entry in entries if not is_system_name(entry.name)]
    except OSError as reason:
        help = "check its permissions, or remove it from the data"
        raise error("E-DATA", f"data folder {str(place)!r} cannot be read: {reason.strerror or reason}", help=help) from None
    for entry, folder in rows:
        has_suffix = os.path.splitext(entry.name)[1].lower() in suffixes
        if folder:
            through = links + entry.is_symlink()
            if through > LINKS or (through > links and identify(entry.stat()) in here):
                found.links.append(entry.name)
            else:
                found.folders[entry.name] = list_folder(place / entry.name, here, through)
        elif has_suffix and is_readable_kind(entry):
            found.images.append(entry.name)
        else:
            found.others.append(entry.name)
    for names in (found.images, found.others, found.links):
        names.sort()
    ordered = sorted(found.folders.items())
    found.folders.clear()
    found.folders.update(ordered)
    return found


def is_system_name(name: str) -> bool:
    """Return whether a name is hidden, or one that a system or an archive leaves behind."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES or name == "Icon\r"


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a link that leads nowhere or to itself is none."""
    try:
        return entry.is_dir()
    except OSError as reason:
        if reason.errno in (errno.ELOOP, errno.ENOENT, errno.EACCES):
            return False
        raise


def is_readable_kind(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a file, or a link whose fault shows when it is opened; opening a pipe would wait for ever."""
    try:
        return entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path))
    except OSError:
        return entry.is_symlink()


def identify(found: os.stat_result) -> tuple[int, int]:
    """Return what tells a folder from all others."""
    return found.st_dev, found.st_ino


def describe_others(tree: FolderTree) -> Iterator[str]:
    """Yield a line on the files that are not read, counted by suffix, and on links that are not followed."""
    names = [(inner.path / name, os.path.splitext(name)[1].lower()) for inner in tree.walk() for name in inner.others]
    if names:
        counts = Counter(suffix or "without a suffix" for _, suffix in names).most_common()
        shown = ", ".join(f"{count:,} {suffix}" for suffix, count in counts[:5]) + (", ..." if len(counts) > 5 else "")
        are, first = ("file is", "it is") if len(names) == 1 else ("files are", "the first is")
        yield f"{len(names):,} {are} left out, of no image format that is read here ({shown}); {first} {relate(names[0][0], tree.path)}"
    links = [inner.path / name for inner in tree.walk() for name in inner.links]
    if links:
        said = "link to a folder is" if len(links) == 1 else "links to folders are"
        shown = relate(links[0], tree.path) + ", ..." * (len(links) > 1)
        yield f"{len(links):,} {said} not followed, because they lead in a circle: {shown}"
    empty = [inner.path for inner in tree.walk() if not inner.count and inner.path.suffix.lower() in list_image_suffixes()]
    if empty:
        yield f"{relate(empty[0], tree.path)} is a folder without images{f', as are {len(empty) - 1:,} more' if len(empty) > 1 else ''}"


def relate(path: Path, root: Path) -> str:
    """Return a path as it is written below `root`."""
    return path.relative_to(root).as_posix()
