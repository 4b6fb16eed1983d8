"""Paths of a study or training on this machine: `local.json` of a run directory, which is never exported.

What the run directory says of the study may be sent to others, so it holds paths as they were written, and of an absolute path only its
last name. Where each of them leads to here is kept in `local.json`, by which a run directory still finds its data and space.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blockspace.data import make_importable
from blockspace.files import write_atomic
from blockspace.formatting import hide_path, is_absolute
from blockspace.reader import Map, Node, Scalar
from blockspace.records import RunDir

FORMAT = "blockspace/local/1"
PATHS = ("space", "out", "folder", "path", "root")  # settings that are paths, also relative ones
SECTIONS = ("space", "out", "data")  # the keys of a study or training below which paths are looked for
SHALLOW = 2  # a folder of fewer names above two files does not keep them apart from other users' files

KeyNames = tuple[str, ...]


def hide_local_paths(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's or training's settings with every absolute path reduced to its last name."""
    return {key: hide_values(value) if key in SECTIONS else value for key, value in settings.items()}


def hide_values(value: Any) -> Any:
    """Return plain data with the texts that are absolute paths reduced to their last names."""
    if isinstance(value, str):
        return hide_path(value)
    if isinstance(value, list):
        return [hide_values(item) for item in value]
    return {key: hide_values(item) for key, item in value.items()} if isinstance(value, dict) else value


def write_local_paths(run: RunDir, settings: Mapping[str, Any], shown: Mapping[str, Any], beside: Path | None = None) -> None:
    """Write where the paths among the settings lead to, each with its text in `shown`, the settings as the run directory has them.

    `beside` is the folder of the study file, where its modules may lie. Where there is nothing to say, nothing is written. Raises
    StorageError.
    """
    known = dict(list_texts(select_sections(shown)))
    found = [
        {"key": list(key), "written": known[key], "path": os.path.abspath(os.path.expanduser(text))}
        for key, text in list_texts(select_sections(settings))
        if key in known and (is_absolute(text) or ((key[-1] in PATHS or key == ("data",)) and os.path.exists(text)))
    ]
    if not found and beside is None:
        return
    content = {"format": FORMAT, "beside": str(beside.absolute()) if beside else None, "paths": found}
    write_atomic(run.local, json.dumps(content, indent=1) + "\n")


def select_sections(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that may hold paths."""
    return {key: settings[key] for key in SECTIONS if key in settings}


def list_texts(value: Any, key: KeyNames = ()) -> Iterator[tuple[KeyNames, str]]:
    """Yield every text inside plain data with the keys that lead to it; items of lists are left out, and so are functions."""
    if isinstance(value, str) and key[-1] != "python":
        yield key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from list_texts(item, (*key, str(name)))


def read_local_paths(run: RunDir) -> dict[str, Any]:
    """Return the content of `local.json`; empty where there is none that can be read."""
    try:
        found = json.loads(run.local.read_bytes())
        return found if isinstance(found, dict) and found.get("format") == FORMAT else {}
    except (OSError, ValueError, RecursionError):
        return {}


def resolve_tree(root: Map, run: RunDir) -> None:
    """Put the paths of this machine into the settings of a run directory, where they still lead somewhere."""
    for above, last, path in list_leading(root, run):
        above.items[last] = Scalar(path, above.items[last].mark, quoted=True)


def list_leading(root: Map, run: RunDir) -> list[tuple[Map, str, str]]:
    """Return the settings whose paths `local.json` knows and that are there: the mapping that holds each, its key, and the path."""
    found = []
    for entry in read_local_paths(run).get("paths", []):
        try:
            *above, last = map(str, entry["key"])
            written, path = str(entry["written"]), str(entry["path"])
        except (KeyError, TypeError, ValueError):
            continue
        here = find_map(root, above)
        node = here.get(last) if here is not None and (*above, last)[0] in SECTIONS and last != "python" else None
        if here is None or not isinstance(node, Scalar) or (last == "space" and (run.path / node.text).is_file()):
            continue
        if node.text == written and os.path.exists(path):
            found.append((here, last, path))
    return found


def find_map(root: Node, keys: list[str]) -> Map | None:
    """Return the mapping below these keys."""
    for key in keys:
        root = root.items.get(key, root) if isinstance(root, Map) else root
    return root if isinstance(root, Map) else None


def import_beside(run: RunDir) -> None:
    """Make the modules beside the study file of a run directory importable, as its search does."""
    beside = read_local_paths(run).get("beside")
    if isinstance(beside, str) and os.path.isdir(beside):
        make_importable(beside)


def relative_path(path: str, folder: Path) -> str | None:
    """Return a path as seen from a folder, or None where that would name folders of a user or of this machine."""
    absolute, start = Path(path).resolve(), folder.resolve()
    common = Path(os.path.commonpath([absolute, start]))
    relative = os.path.relpath(absolute, start)
    return relative if len(common.parts) > SHALLOW and private_names().isdisjoint(Path(relative).parts) else None


def private_names() -> set[str]:
    """Return the names of this user and machine, as far as they are known."""
    names = {platform.node()}
    for find in (getpass.getuser, lambda: Path.home().name):
        try:
            names.add(find())
        except (OSError, KeyError, RuntimeError, ImportError):  # a user id without a name
            pass
    return names - {""}
