"""The kinds of files there are, and the schema of each: made from the code, and as kept beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from blockspace.errors import did_you_mean, error
from blockspace.schema.value_schemas import Schema

KINDS = ("block", "network", "study")
DRAFT = "https://json-schema.org/draft/2020-12/schema"
TITLES = {
    "block": "A block of blockspace: split, transform, merge",
    "network": "A network, or a search space, of blockspace",
    "study": "A study of blockspace",
}


def schema(kind: str) -> Schema:
    """Return the JSON Schema of one kind of file. Raises BlockspaceError (E-KEY) for an unknown kind."""
    if kind not in KINDS:
        raise error("E-KEY", f"no kind of file is called {kind!r}", help=did_you_mean(kind, KINDS) or f"known: {', '.join(KINDS)}")
    return {"$schema": DRAFT, "title": TITLES[kind], **build_schema(kind)}


def build_schema(kind: str) -> Schema:
    """Return the schema without its title."""
    if kind == "study":
        from blockspace.schema.study_schema import study_schema

        return {key: value for key, value in study_schema().items() if key != "title"}
    from blockspace.schema.file_schemas import file_schema

    return file_schema(kind)


def schema_text(kind: str) -> str:
    """Return the schema as its file holds it."""
    return json.dumps(schema(kind), indent=1, ensure_ascii=False) + "\n"


def stored_path(kind: str) -> Path:
    """Return the path of the stored schema."""
    return Path(__file__).with_name(f"{kind}.json")


def modeline(kind: str, path: str | Path) -> str:
    """Return the comment by which editors find the schema of the YAML file at `path`.

    The schema's path is relative where the file lies in one project with the package, or in the home folder that has the package, so that
    no user's name is written into a file that may be shared; otherwise it is absolute, and empty text is returned where the package lies
    in a home folder: `blockspace schema KIND --path` is then for the editor's own settings.
    """
    stored, place, user = stored_path(kind), Path(path).resolve(), Path(os.path.expanduser("~")).resolve()
    if stored.parents[2] in place.parents or (user in stored.parents and user in place.parents):
        found = Path(os.path.relpath(stored, place.parent)).as_posix()
    else:
        found = stored.as_uri() if user not in stored.parents else ""
    return f"# yaml-language-server: $schema={found}" if found else ""
