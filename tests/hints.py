"""Apply the help of a mistake to a file's text, as a person would who takes it at its word."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blockspace.errors import Mistake

MEANT = re.compile(r"did you mean ((?:'[^']+'(?: or )?)+)\?")
NEAREST = re.compile(r"nearest(?: legal)?(?: (?P<name>\w+))?(?: that divide)?: (?P<values>\d+(?:, \d+)*)")
WRITE = re.compile(r"write (?:the step )?`(?:- )?(?P<code>[^`]+)`(?: instead)?$|write (?P<plain>-?\d+|\w+: \w+|\w+)(?:$|;)")
PLACEHOLDERS = ("a, b", "...", "NAME", "value", "VALUE")


def apply_help(text: str, found: Mistake) -> Iterator[tuple[str, str]]:
    """Yield each replacement that the help names, and the text with it; none where the help is advice, or the place is in another text."""
    mark, help = found.mark, found.help or ""
    if mark is None or mark.source.text != text:
        return
    words: list[str] = []
    if meant := MEANT.match(help):
        words = re.findall(r"'([^']+)'", meant[1])
    elif (nearest := NEAREST.match(help)) and (number := find_number(text, found, nearest["name"])):
        for value in nearest["values"].split(", "):
            yield value, text[: number.start()] + value + text[number.end() :]
    elif (write := WRITE.match(help)) and not any(word in (write["code"] or write["plain"]) for word in PLACEHOLDERS):
        words = [write["code"] or write["plain"]]
    at = offset(text, found)
    for word in words:
        yield word, text[:at] + word + text[at + mark.length :]


def offset(text: str, found: Mistake) -> int:
    """Return where the mark of a mistake begins in the text."""
    assert found.mark is not None
    return sum(map(len, text.splitlines(keepends=True)[: found.mark.line - 1])) + found.mark.column - 1


def find_number(text: str, found: Mistake, name: str | None) -> re.Match[str] | None:
    """Return the number that a hint of nearest values replaces: the marked one, or that of the setting it names in the marked line."""
    at = offset(text, found)
    if marked := re.compile(r"\d+(\.\d+)?\b").match(text, at):
        return marked
    line = text.splitlines()[found.mark.line - 1] if found.mark else ""
    start = at - (found.mark.column - 1 if found.mark else 0)
    if name and (setting := re.search(rf"\b{name}: *(\d+)\b", line)):
        return re.compile(r"\d+").match(text, start + setting.start(1))
    return None
