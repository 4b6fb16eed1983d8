"""Find images in class folders, without reading them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from blockspace.data.decode import join_names, make_unreadable_error
from blockspace.data.folder_layout import FoundLayout, Layout, find_layout
from blockspace.data.folder_tree import FolderTree, describe_others, read_folder_tree
from blockspace.data.image_shape import decide_shape
from blockspace.data.scan import scan_files
from blockspace.errors import BlockspaceError, did_you_mean, error
from blockspace.formatting import count_noun
from blockspace.inputs import expand_path


@dataclass(frozen=True)
class ImageFolder:
    """The files of each part and their labels, in path order; one part called "all" when the folder holds classes directly.

    `remarks` are lines on what was left out, and on how the layout was told.
    """

    root: Path
    classes: tuple[str, ...]
    files: dict[str, list[Path]]
    labels: dict[str, list[int]]
    remarks: tuple[str, ...] = ()


def find_images(root: str | Path, layout: Layout = "auto") -> ImageFolder:
    """Find the images under `root/CLASS`, `root/PART/CLASS` or `root/CLASS/PART`, those in sub-folders of a class with them.

    The classes are those of train; a part may lack some. Raises BlockspaceError (E-DATA): no such folder, no class in it, a class without
    images, a part with a class of its own.
    """
    root = expand_path(root)
    if not os.path.isdir(root):
        raise make_no_folder_error(root)
    tree = read_folder_tree(root)
    told = find_layout(tree, layout)
    main = told.parts.get("train", told.parts.get("all", {}))
    classes = tuple(main)
    check_classes(tree, told, layout)
    found = ImageFolder(root, classes, {}, {}, (*told.remarks, *describe_parts(told.parts, classes), *describe_others(tree)))
    for part, folders in told.parts.items():
        listed = [folders[name].list_images() if name in folders else [] for name in classes]
        found.files[part] = [path for paths in listed for path in paths]
        found.labels[part] = [label for label, paths in enumerate(listed) for _ in paths]
    return found


def make_no_folder_error(root: Path) -> BlockspaceError:
    """Return the error for a path that is no folder."""
    if os.path.exists(root):
        return error("E-DATA", f"data folder {str(root)!r} is a file", help="unpack it, and give the folder of the images")
    return error("E-DATA", f"data folder {str(root)!r} does not exist", help="it should contain one folder of images per class")


def check_classes(tree: FolderTree, told: FoundLayout, layout: Layout) -> None:
    """Check that there are two classes, each with an image, and that no part has others. Raises BlockspaceError (E-DATA)."""
    main = told.parts.get("train", told.parts.get("all", {}))
    if len(main) < 2:
        raise make_few_classes_error(tree, main, layout)
    empty = [name for name, folder in main.items() if not folder.count]
    if empty:
        place = next(iter(main.values())).path.parent if "train" in told.parts else tree.path
        message = f"no images in {count_noun(len(empty), 'class folder')} of {str(place)!r}: {join_names(empty)}"
        raise error("E-DATA", message, help="add images or remove the folder")
    for part, folders in told.parts.items():
        check_part(part, folders, main)


def check_part(part: str, folders: Mapping[str, FolderTree], main: Mapping[str, FolderTree]) -> None:
    """Check that a part has images, and no class that train lacks. Raises BlockspaceError (E-DATA)."""
    odd = [name for name, folder in folders.items() if name not in main and folder.count]
    if odd:
        help = "the classes are those of train: add images of it there, or remove the folder"
        near = did_you_mean(odd[0], main)
        what = "a class" if len(odd) == 1 else f"{len(odd)} classes"
        message = f"{str(folders[odd[0]].path.parent)!r} has {what} that train lacks: {join_names(odd)}"
        raise error("E-DATA", message, help=f"{near} {help}" if near else help)
    if not any(folders[name].count for name in main if name in folders):
        help = f"put its images into class folders ({join_names(main)}), or remove it: its images are then split off those of train"
        raise error("E-DATA", f"the part {part} holds no image in a class folder", help=help)


def make_few_classes_error(tree: FolderTree, main: Mapping[str, FolderTree], layout: Layout) -> BlockspaceError:
    """Return the error for fewer than two classes, with the folder that was probably meant."""
    what = count_noun(len(main), "class folder") + (f" ({join_names(main)})" if main else "")
    message = f"data folder {str(tree.path)!r} contains {what}, at least 2 are needed"
    inner = next(iter(tree.filled.values())) if len(tree.filled) == 1 else None
    if inner is not None and holds_classes(inner):
        return error("E-DATA", message, help=f"did you mean the folder in it, {str(inner.path)!r}?")
    if tree.images:
        images = count_noun(len(tree.images), "image lies", "images lie")
        return error("E-DATA", message, help=f"{images} directly in it: make a folder for each class")
    if layout != "auto":
        return error("E-DATA", message, help=f"the folders are read as `layout: {layout}`; leave it out to have it told from the folders")
    return error("E-DATA", message, help="it should contain one folder of images per class")


def holds_classes(tree: FolderTree) -> bool:
    """Return whether a folder could be given as data."""
    try:
        find_images(tree.path)
    except BlockspaceError:
        return False
    return True


def describe_parts(parts: Mapping[str, Mapping[str, FolderTree]], classes: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each part that lacks classes, and one on images in sub-folders."""
    for part, folders in parts.items():
        lacking = [name for name in classes if name not in folders or not folders[name].count]
        if lacking:
            yield f"{part} has no image of {len(lacking):,} of the {len(classes):,} classes: {join_names(lacking)}"
    trees = [folders[name] for folders in parts.values() for name in classes if name in folders]
    deep = sorted({name for tree in trees for name in tree.filled})
    if deep:
        below, total = sum(tree.count - len(tree.images) for tree in trees), sum(tree.count for tree in trees)
        yield f"{below:,} of {total:,} images lie in sub-folders of their class, and belong to it: {join_names(deep)}"


def read_folder_shape(found: ImageFolder, size: int | None, channels: int | None) -> tuple[int, int, int]:
    """Return `(C, H, W)` of the images as they will be read: the options', else what all files decide, for which each is read once.

    Raises BlockspaceError (E-DATA) where no file can be read.
    """
    if size and channels:
        return channels, size, size
    files = [path for paths in found.files.values() for path in paths]
    seen = scan_files(files)
    facts = seen.good_facts()
    if not facts:
        raise make_unreadable_error({path: fault for path, fault in zip(files, seen.faults) if fault})
    return decide_shape(facts, size, channels)
