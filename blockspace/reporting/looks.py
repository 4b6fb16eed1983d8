"""The looks of a study: the answers about families that it has given, each of which could have ended it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from blockspace.errors import StorageError, error
from blockspace.files import parse_json, write_atomic
from blockspace.reporting.answer import Answer

FORMAT = "blockspace/looks/1"


@dataclass(frozen=True)
class Look:
    """One answer: how many searches of each family were in it, whether it was about families, and the level of its intervals."""

    repeats: Mapping[str, int]
    is_about_families: bool
    level: float


def read_looks(path: Path) -> list[Look]:
    """Return the looks of a study, in order; none where there is no file. Raises ValueError for a file that is no list of looks."""
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"{path}: format {content['format']!r}, expected {FORMAT!r}")
        return [Look(**one) for one in content["looks"]]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError) as reason:
        raise ValueError(f"{path}: not a list of looks: {reason!r}") from reason


def number_look(looks: Sequence[Look], repeats: Mapping[str, int]) -> int:
    """Return the number, from 1, of an answer with these searches: that of the look that was of the same, else the next.

    Answers that are not about families could not end a study with a verdict, and are not counted.
    """
    told = [dict(look.repeats) for look in looks if look.is_about_families]
    return (told.index(dict(repeats)) if dict(repeats) in told else len(told)) + 1


def record_look(path: Path, answer: Answer) -> None:
    """Add an answer to the looks of its study, unless one had the same searches. Raises StorageError."""
    try:
        looks = read_looks(path)
    except (OSError, ValueError) as reason:
        help = "restore it; without it, it is not known how many answers the study has given"
        raise error("E-IO", f"{path} cannot be read: {reason}", help=help, cls=StorageError) from reason
    look = Look(answer.repeats, answer.is_about_families, answer.level)
    if (dict(look.repeats), look.is_about_families) in [(dict(one.repeats), one.is_about_families) for one in looks]:
        return
    content = {"format": FORMAT, "looks": [asdict(one) for one in (*looks, look)]}
    write_atomic(path, json.dumps(content, indent=1) + "\n")
