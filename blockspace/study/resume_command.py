"""The command that starts a study, and starts it again: its file, the settings beside it, and the runs whose results it reuses.

It is kept in the run directory's log and shown in the report, so it names no folder of the machine: of an absolute path, only the part
below the working directory or its last name.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike

from blockspace.formatting import hide_path, hide_paths
from blockspace.searching import SearchOptions
from blockspace.study.overrides import plain_data
from blockspace.study.study_file import SECTIONS, StudyFile

PLAIN_WORD = re.compile(r"(?!(true|false|null|yes|no|on|off)$)[A-Za-z_~./][\w ./~+-]*%?")  # a text that YAML reads as the same text


def write_search_command(
    path: str | PathLike[str], overrides: Sequence[str], settings: Mapping[str, object], reuse: Sequence[str | PathLike[str]]
) -> str:
    """Return the command line of a search; the keyword arguments of `bs.search` are written as overrides."""
    words = [shorten_word(os.fspath(path)), *map(shorten_word, (*write_settings(settings), *overrides))]
    return shlex.join(["blockspace", "search", *words, *(word for run in reuse for word in ("--reuse", shorten_word(os.fspath(run))))])


def write_settings(settings: Mapping[str, object]) -> Iterator[str]:
    """Yield keyword arguments of `search` as `key.path=value` texts that set the same."""
    for name, given in settings.items():
        key, value = name, plain_data(given)
        if key.split(".")[0] not in StudyFile.model_fields and key.split(".")[0] in SearchOptions.model_fields:
            key = f"search.{key}"
        if key != name and isinstance(value, str):
            yield f"{key}={value}"  # read as on the command line there too
        elif key in SECTIONS and isinstance(value, dict):
            yield from (f"{key}.{inner}={write_value(item)}" for inner, item in value.items())
        else:
            yield f"{key}={write_value(value)}"


def write_value(value: object) -> str:
    """Return plain data as YAML on one line."""
    if isinstance(value, str) and PLAIN_WORD.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def shorten_word(word: str) -> str:
    """Return a word of the command with an absolute path in it made relative to the working directory, or reduced to its last name."""
    key, equals, path = word.partition("=")
    if not equals or "/" in key:
        key, equals, path = "", "", word
    if not os.path.isabs(path):
        return hide_paths(word) if path.startswith(("{", "[", '"')) else word  # those inside a mapping; `~/x` says nothing of anybody
    near = os.path.relpath(path)
    return f"{key}{equals}{hide_path(path) if near.startswith('..') else near}"
