"""Write to stdout and stderr such that output can fail without changing what a command does.

A stream may be closed, its reader may leave, its disk may be full, its encoding may lack the characters of a drawing. None of that stops
the work: what cannot be written is dropped, characters that cannot be encoded become ASCII, and lost output is reported at the end.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from typing import TextIO

PLAIN = {  # characters of drawings, tables and progress; one for one where columns must stay aligned
    "─": "-", "━": "-", "│": "|", "┃": "|", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+", "╭": ".", "╮": ".", "╰": "`", "╯": "'",
    "┌": "+", "┐": "+", "└": "+", "┘": "+", "╸": "-", "╺": "-", "●": "@", "○": "o", "◇": "<", "◆": ">", "•": "*", "·": ".", "×": "x",
    "∘": "o", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "±": "+-", "−": "-", "–": "-", "—": "-", "…": "...",
    "“": '"', "”": '"', "‘": "'", "’": "'", "▲": "^", "▼": "v", "█": "#", "Σ": "sum", "√": "sqrt", "∈": "in", "∉": "not in", "⊕": "(+)",
    "⊙": "(.)", "∗": "*", "⋅": ".", "∞": "inf", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
ERRORS = "blockspace.plain"  # the name of the way in which characters are replaced


def replace_unencodable(failure: UnicodeError) -> tuple[str, int]:
    """Return ASCII in place of characters that an encoding lacks, and where to go on."""
    if not isinstance(failure, UnicodeEncodeError):
        raise failure
    return "".join(map(spell_plainly, failure.object[failure.start : failure.end])), failure.end


def spell_plainly(character: str) -> str:
    """Return ASCII for a character: `+` for a corner, `pi`, `2` for a subscript; anything else by its number, as a name may hold it."""
    name = unicodedata.name(character, "")
    if found := PLAIN.get(character):
        return found
    if name.startswith("GREEK ") and " LETTER " in name:
        return name.rpartition(" ")[2].lower()
    if unicodedata.decomposition(character).startswith(("<sub>", "<super>")):
        character = unicodedata.normalize("NFKD", character)
        character = PLAIN.get(character, character)
    return character.encode("ascii", "backslashreplace").decode()


codecs.register_error(ERRORS, replace_unencodable)


class SafeStream(TextIOBase):
    """A text stream that never fails: `lost` is the first error of the stream it writes to, after which it drops everything."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.lost: OSError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute
        """Return the encoding of the stream."""
        return getattr(self.stream, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]  # typeshed has an attribute
        """Return how characters that cannot be encoded are replaced."""
        return ERRORS

    def write(self, text: str, /) -> int:
        """Write text. Raises TypeError for anything else, as every text stream."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.lost is None:
            try:
                self.stream.write(text.encode(self.encoding, ERRORS).decode(self.encoding))
            except OSError as reason:
                self.lose(reason)
            except ValueError:  # the stream was closed
                self.lose(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        return len(text)

    def flush(self) -> None:
        """Write out what is buffered."""
        if self.lost is None:
            try:
                self.stream.flush()
            except OSError as reason:
                self.lose(reason)
            except ValueError:
                self.lose(OSError(errno.EBADF, os.strerror(errno.EBADF)))

    def lose(self, reason: OSError) -> None:
        """Remember the error, and send to nowhere what the stream has in its buffer, as Python would try to write it again at exit."""
        self.lost = reason
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
        except (OSError, ValueError):  # it has no descriptor
            pass

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self.stream.fileno()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.lost is None and self.stream.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True


@contextmanager
def safe_output() -> Iterator[SafeStream]:
    """Put safe streams in the place of stdout and stderr; yield that of stdout."""
    before = sys.stdout, sys.stderr
    out, err = SafeStream(sys.stdout), SafeStream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def open_missing_streams() -> None:
    """Open what the caller closed (`>&-`) on the null device: stdin, stdout and stderr.

    A file that is opened later, such as the study's database, would otherwise get its descriptor, and what is printed would go into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor is this one
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))
