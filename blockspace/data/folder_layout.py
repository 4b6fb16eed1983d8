"""Tell how a folder of images is laid out: by class, by part and class, or by class and part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from blockspace.data.decode import join_names
from blockspace.data.folder_tree import FolderTree
from blockspace.errors import BlockspaceError, error
from blockspace.formatting import count_noun

# the folders' names of each part, in small letters; where a folder has several of one part, the first is taken
PART_NAMES = {"train": ("train", "training"), "val": ("val", "valid", "validation", "dev"), "test": ("test", "testing")}
Layout = Literal["auto", "class", "part/class", "class/part"]


@dataclass(frozen=True)
class FoundLayout:
    """The folders of each part by class, and what is worth saying about how they were told.

    The only part is called "all" where the folders are classes; `root` is what the folders are named relative to.
    """

    parts: Mapping[str, Mapping[str, FolderTree]]
    remarks: tuple[str, ...] = ()


def match_parts(tree: FolderTree) -> dict[str, FolderTree]:
    """Return part -> folder for the folders in `tree` that are named after a part, whatever the case; one folder a part."""
    found = {}
    for part, names in PART_NAMES.items():
        ranked = [(names.index(name.lower()), name.lower() != name, name) for name in tree.folders if name.lower() in names]
        if ranked:
            found[part] = tree.folders[min(ranked)[2]]
    return found


def is_part_name(name: str) -> bool:
    """Return whether a folder's name is that of a part."""
    return any(name.lower() in names for names in PART_NAMES.values())


def find_layout(tree: FolderTree, layout: Layout) -> FoundLayout:
    """Return the folders of each part by class, as `layout` says, or as `choose_layout` tells.

    Raises BlockspaceError (E-DATA) where the folders do not have the layout, or say nothing clear.
    """
    remarks: tuple[str, ...] = ()
    if layout == "auto":
        layout, remarks = choose_layout(tree)
    remarks = (*remarks, *describe_stray(tree))
    if layout == "class":
        return FoundLayout({"all": tree.folders}, remarks)
    if layout == "class/part":
        return read_parts_of_classes(tree, remarks)
    parts = match_parts(tree)
    if "train" not in parts:
        raise make_no_train_error(tree)
    return FoundLayout({part: parts[part].folders for part in PART_NAMES if part in parts}, (*remarks, *describe_unused(tree, parts)))


def choose_layout(tree: FolderTree) -> tuple[Layout, tuple[str, ...]]:
    """Return the layout that the names and contents of the folders suggest, and what is worth saying about it.

    Folders named after parts are parts when their images lie in class folders, and classes when images lie in them directly beside other
    class folders. Raises BlockspaceError (E-DATA) where neither is plausible.
    """
    parts, filled = match_parts(tree), tree.filled
    others = sorted(name for name in filled if not is_part_name(name))
    train = parts.get("train")
    if train is None:
        check_no_parts(tree, parts, others)
        return tell_classes(tree)
    if not train.filled:
        if not others and train.images:
            raise make_no_classes_error(tree, parts)
        return tell_classes(tree)
    agree = any(folder.filled.keys() & train.filled.keys() for part, folder in parts.items() if part != "train")
    if agree or not others:
        return "part/class", ()
    name = train.path.name
    if train.images or len(train.filled) < 2 or len(others) > 1:
        return "class", (f"{name} is taken as a class beside {join_names(others)}; `layout: part/class` takes it as the training images",)
    return "part/class", (f"{name} is taken as the training images, not as a class beside {others[0]}; `layout: class` takes it as one",)


def check_no_parts(tree: FolderTree, parts: Mapping[str, FolderTree], others: list[str]) -> None:
    """Check that folders without a train part are classes. Raises BlockspaceError (E-DATA) where some hold the classes of others."""
    nested = [part for part in parts.values() if part.filled and not part.images]
    if nested and not others:
        raise make_no_train_error(tree)
    for part in nested:
        if shared := sorted(part.filled.keys() & set(others)):
            help = f"move {join_names(others)} into a folder `train` beside {part.path.name}"
            message = f"data folder {str(tree.path)!r}: {join_names(shared)} lie beside {part.path.name} and also in it"
            raise error("E-DATA", message, help=f"{help}; `layout: class` takes {part.path.name} as a class")


def tell_classes(tree: FolderTree) -> tuple[Layout, tuple[str, ...]]:
    """Return whether class folders hold parts. Raises BlockspaceError (E-DATA) where some do and others do not."""
    divided = [name for name, folder in tree.filled.items() if is_divided(folder)]
    if not divided:
        return "class", ()
    if len(divided) == len(tree.filled):
        return "class/part", ()
    whole = sorted(tree.filled.keys() - set(divided))
    help = "divide all classes, or say `layout: class`, which takes the images of all sub-folders together and splits them anew"
    some = f"{len(divided):,} of {len(tree.filled):,} class folders {'is' if len(divided) == 1 else 'are'} divided into train and test"
    message = f"{str(tree.path)!r}: {some} ({join_names(divided)}), the others not ({join_names(whole)})"
    raise error("E-DATA", message, help=help)


def is_divided(folder: FolderTree) -> bool:
    """Return whether a class folder holds nothing but parts, train among them."""
    return not folder.images and "train" in match_parts(folder) and len(folder.filled) > 1 and all(map(is_part_name, folder.filled))


def read_parts_of_classes(tree: FolderTree, remarks: tuple[str, ...]) -> FoundLayout:
    """Return the layout of folders `CLASS/train`, `CLASS/test`. Raises BlockspaceError (E-DATA) for a class without train."""
    matched = {name: match_parts(folder) for name, folder in tree.folders.items()}
    lacking = [name for name, parts in matched.items() if "train" not in parts]
    if lacking:
        help = "with `layout: class/part` each class folder holds `train`, and may hold `val` and `test`"
        where = f"{count_noun(len(lacking), 'class folder')} ({join_names(lacking)})"
        raise error("E-DATA", f"{str(tree.path)!r}: no folder `train` in {where}", help=help)
    unused = [line for name, parts in matched.items() for line in describe_unused(tree.folders[name], parts, f"{name}/")]
    unused += [line for folder in tree.folders.values() for line in describe_stray(folder)]
    found = {part: {name: parts[part] for name, parts in matched.items() if part in parts} for part in PART_NAMES}
    return FoundLayout({part: folders for part, folders in found.items() if folders}, (*remarks, *unused))


def describe_unused(tree: FolderTree, parts: Mapping[str, FolderTree], prefix: str = "") -> Iterator[str]:
    """Yield a line for each folder beside the parts that holds images, and for images directly in a part."""
    used = {folder.path.name: part for part, folder in parts.items()}
    for name, folder in tree.filled.items():
        if name not in used:
            beside = [folder.path.name for part, folder in parts.items() if name.lower() in PART_NAMES[part]]
            why = f"{beside[0]!r} is read in its place" if beside else "its name is that of no part"
            yield f"the folder {prefix}{name} ({count_noun(folder.count, 'image')}) is left out: {why}"
    for name in used:
        if not prefix:
            yield from describe_stray(tree.folders[name])


def describe_stray(tree: FolderTree) -> Iterator[str]:
    """Yield a line for images that lie directly in a folder, where folders are expected."""
    if tree.images:
        count = f"{len(tree.images):,} image{' lies' if len(tree.images) == 1 else 's lie'}"
        yield f"{count} directly in the folder {tree.path.name}, and in none of its folders: left out ({join_names(tree.images)})"


def make_no_train_error(tree: FolderTree) -> BlockspaceError:
    """Return the error for parts of which none is train."""
    names = join_names(folder.path.name for folder in match_parts(tree).values()) or "no part"
    help = "call the folder of the training images `train`; `layout: class` takes each folder as a class"
    return error("E-DATA", f"data folder {str(tree.path)!r} contains {names}, but no `train`", help=help)


def make_no_classes_error(tree: FolderTree, parts: Mapping[str, FolderTree]) -> BlockspaceError:
    """Return the error for parts whose images lie in no class folder."""
    names = join_names(folder.path.name for folder in parts.values())
    help = f"make a folder for each class, as {parts['train'].path.name}/CLASS/; `layout: class` takes {names} as the classes"
    return error("E-DATA", f"data folder {str(tree.path)!r}: the images in {names} lie in no class folder", help=help)
