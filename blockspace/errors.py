"""Every error a user can meet.

An error is one or more `Mistake`s: a stable code, what held and what was got, the place (`file:line:col`) and the next step.
The exception's class decides only the exit code. Nothing here knows YAML or torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

CODES = {
    "E-YAML": "the file is not YAML, too large, too deep, or not text",
    "E-TAG": "a YAML tag (!...) where none is allowed",
    "E-DUP-KEY": "a key given twice in one mapping",
    "E-KEY": "an unknown or missing key",
    "E-SCALAR": "a YAML 1.1 trap (010, 1:30): quote it, or write the number plainly",
    "E-TYPE": "a value of the wrong type or out of range",
    "E-VALUE": "a value that does not fit its setting, such as a number with the unit of something else",
    "E-EXPR": "an expression that is not in the allowed language",
    "E-INEXACT": "a value that must be an integer is not",
    "E-DIV": "a division by zero",
    "E-NAME": "an unknown name in an expression, or a name given twice",
    "E-WORD": "a reserved word used as a name",
    "E-REF": "a reference to a value that does not exist",
    "E-OP": "an unknown operation or block",
    "E-SHAPE": "shapes that do not fit",
    "E-GROUPS": "channels that do not divide into the groups",
    "E-SPLIT": "a split that does not divide, or parts that do not add up",
    "E-DANGLING": "a value that never reaches the output",
    "E-REQUIRE": "a `require` rule that does not hold",
    "E-TOO-BIG": "a network larger than any machine could hold",
    "E-RECURSION": "blocks that contain themselves, or nest too deep",
    "E-SHADOW": "a block of yours with the name of a library block",
    "E-FILE": "a file that does not exist or cannot be read",
    "E-RANGE": "an empty or impossible domain",
    "E-SPACE": "a search space that cannot be used as asked",
    "E-INFEASIBLE": "a budget that nothing can meet",
    "E-IO": "a folder or file that cannot be written",
    "E-DISK": "the disk is full",
    "E-STORE": "the study's storage is damaged or of another version",
    "E-LOCKED": "another process runs this study",
    "E-CHANGED": "the study was changed since its run directory was made",
    "E-DATA": "data that is missing or unreadable",
    "E-CODE": "code that a file names, and that is not run: of Python's own library, or in a command that runs none",
    "E-LOADER": "processes that load images failed or died",
    "E-SHM": "shared memory that is too small for the processes that load images",
    "E-LABEL": "labels outside the classes",
    "E-FAILED": "too many trials failed",
    "E-WEIGHTS": "weights that do not fit the network",
    "E-RULE": "a rewrite rule that breaks what it promises, or whose proof fails",
    "E-EXPORT-MISMATCH": "an exported file whose outputs differ from the trained model",
    "E-COMPILE": "torch.compile could not compile a network",
    "E-DEVICE": "a device, strategy or precision that this machine does not have",
    "E-BN-1X1": "batch normalisation of a single value per channel",
    "E-LATENCY": "a latency that could not be measured",
}

INCOMPLETE = 7  # the exit code of a command that has answered, where something that was asked for is missing


@lru_cache(maxsize=2)
def split_lines(text: str) -> list[str]:
    """Return the lines of a text; kept for the next mistake in it."""
    return text.splitlines()


@dataclass(frozen=True)
class Source:
    """The text a mark points into, and the name it is known by."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """Return line `number`, counted from 1; empty when the text is shorter."""
        lines = split_lines(self.text)
        return lines[number - 1] if 0 < number <= len(lines) else ""


class Mark(NamedTuple):  # a frozen dataclass takes twice as long to make, and a file has a mark for each of its values
    """A place in a source: line and column from 1, and how many characters are meant."""

    source: Source
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}:{self.column}"


MAX_WORD, MAX_MESSAGE, MAX_SHOWN = 100, 600, 100  # letters of a word that hints are looked for, of a message; mistakes that are printed
MOST_NAMED = 100  # known words that a hint lists
MANY, MOST_COMPARED = 1_000, 300  # known words from which on a word is compared with few of them, those that begin as it does


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong: a code of `CODES`, one sentence, where, and the next step. A very long sentence is cut in its middle."""

    code: str
    message: str
    mark: Mark | None = None
    help: str | None = None

    def __post_init__(self) -> None:
        if len(self.message) > MAX_MESSAGE:
            object.__setattr__(self, "message", f"{self.message[: MAX_MESSAGE - 100]} ... {self.message[-90:]}")

    def render(self) -> str:
        """Return the message as printed on stderr: what, where with the line quoted, the next step."""
        rows = [f"error: {self.message}"]
        if self.mark:
            rows.append(f"   --> {self.mark}")
            text = self.mark.source.line(self.mark.line)
            if text and len(text) < 200:
                number = str(self.mark.line)
                rows.append(f"{number} | {text}")
                rows.append(f"{' ' * len(number)} | {' ' * (self.mark.column - 1)}{'^' * max(1, self.mark.length)}")
        if self.help:
            rows.append(f"   = help: {self.help}")
        return "\n".join(rows)

    def as_dict(self) -> dict[str, str | int | None]:
        """Return the JSON form, for `--json`."""
        place: dict[str, str | int] = {}
        if self.mark:
            place = {"file": self.mark.source.path, "line": self.mark.line, "column": self.mark.column}
        return {"code": self.code, "message": self.message, **place, "help": self.help}


class BlockspaceError(Exception):
    """One or more mistakes of the user's; printed without a traceback, exit code 2."""

    exit_code = 2

    def __init__(self, *mistakes: Mistake):
        self.mistakes = mistakes
        super().__init__("\n".join(m.message if m.mark is None else f"{m.mark}: {m.message}" for m in mistakes))

    def at(self, mark: Mark | None, prefix: str = "") -> BlockspaceError:
        """Return the same error with `mark` where a mistake has no place yet, and `prefix` before its message."""
        placed = (m if m.mark else replace(m, mark=mark, message=prefix + m.message) for m in self.mistakes)
        return type(self)(*placed)

    def render(self) -> str:
        """Return the messages of all mistakes, as printed on stderr."""
        left = len(self.mistakes) - MAX_SHOWN
        more = [f"error: {left:,} more mistakes are not shown"] if left > 0 else []
        return "\n".join([*(m.render() for m in self.mistakes[:MAX_SHOWN]), *more])


class StorageError(BlockspaceError):
    """The run directory or its database cannot be used. `path` is the file or folder, where it is known."""

    exit_code = 3

    def __init__(self, *mistakes: Mistake, path: str = ""):
        super().__init__(*mistakes)
        self.path = path


class FailureError(BlockspaceError):
    """Too many trials failed for the search to mean anything."""

    exit_code = 4


class InfeasibleError(BlockspaceError):
    """Nothing in the space meets the budget."""

    exit_code = 5


class ExportError(BlockspaceError):
    """An exported file does not compute what the model computes; of `replay`, a run or training comes out otherwise."""

    exit_code = 6


def error(
    code: str, message: str, mark: Mark | None = None, help: str | None = None, cls: type[BlockspaceError] = BlockspaceError
) -> BlockspaceError:
    """Return an error of one mistake."""
    return cls(Mistake(code, message, mark, help))


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return "did you mean 'a' or 'b'?" for the closest of `known`, or None."""
    if len(word) > MAX_WORD:
        return None
    return find_near_words(word, tuple(known))


@lru_cache(maxsize=256)
def find_near_words(word: str, known: tuple[str, ...]) -> str | None:
    """Return the hint of `did_you_mean`; kept, since a file tends to repeat its mistakes."""
    from difflib import get_close_matches

    if len(known) > MANY:
        known = tuple(other for other in known if other[:1] == word[:1] and 2 * abs(len(other) - len(word)) <= len(word))[:MOST_COMPARED]
    close = get_close_matches(word, known, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(c) for c in close)}?" if close else None


def list_known(words: Sequence[str], what: str = "known here") -> str:
    """Return `known here: a, b, c`, of many words only the first."""
    more = f", and {len(words) - MOST_NAMED:,} more" if len(words) > MOST_NAMED else ""
    return f"{what}: {', '.join(words[:MOST_NAMED])}{more}"
