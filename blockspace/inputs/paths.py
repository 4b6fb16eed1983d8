"""Paths as people write them, on the command line, in a file and in Python.

A relative path is relative to the working directory, but for those inside a study or network file that name another such file (`space:`,
`blocks:`), which are relative to that file. `~` and `~user` are expanded where the path is used: what is kept of a path is what was
written, which means the same on another machine. Spaces, `#` and letters of any language need no quotes of ours. URLs are not read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from blockspace.errors import error

URL = re.compile(r"(file:|[A-Za-z][A-Za-z0-9+.-]+://)")


def expand_path(path: str | os.PathLike[str]) -> Path:
    """Return the path with `~` and `~user` expanded; a relative one stays relative, and to expand it again changes nothing.

    Raises BlockspaceError (E-FILE): an empty path, a URL, a NUL character, a home folder that is not known.
    """
    text = os.fspath(path)
    check_plain_path(text)
    found = Path(expand_home(text) if text.startswith("~") else text)
    return Path(os.path.abspath(found)) if str(found).startswith("~") else found  # `./~x`, which Path shortens to `~x`


def check_plain_path(text: str) -> None:
    """Raise BlockspaceError (E-FILE) for a text that is no path: empty, a URL, or with a NUL character."""
    if not text.strip():
        raise error("E-FILE", "an empty path", help="name a file or folder; `.` is the working directory")
    if "\0" in text:
        raise error("E-FILE", f"{text!r} is not a path: it has a NUL character")
    if URL.match(text):
        bare = re.sub(r"^file:(//localhost(?=/)|//(?=/))?", "", text)
        help = f"write the path by itself: {bare}" if text.startswith("file:") else "fetch the file first, and give its path"
        raise error("E-FILE", f"{text!r} is a URL, which is not read", help=help)


def expand_home(text: str) -> str:
    """Return a text that begins with `~` or `~user` as a path from that home folder. Raises BlockspaceError (E-FILE)."""
    user = re.split(r"[/\\]", text[1:], maxsplit=1)[0] if os.name == "nt" else text[1:].partition("/")[0]
    found = os.path.expanduser(text) if user or os.environ.get("HOME") or os.name == "nt" else expand_unset_home(text)
    if found.startswith("~"):
        whose = f"no user is called {user!r}" if user else "$HOME is not set, and the user has no home folder"
        raise error("E-FILE", f"{text}: {whose}", help=f"write the path in full, or ./{text} for a name that begins with ~")
    return found


def expand_unset_home(text: str) -> str:
    """Return the text with the home folder of the system's list of users, which an empty $HOME would hide; as it is where there is none."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir + text[1:]
    except KeyError:
        return text


def is_existing_path(text: str) -> bool:
    """Return whether a text is a path of a file or folder that is there, `~` expanded; also False for what cannot be a path."""
    try:
        return os.path.exists(expand_home(text) if text.startswith("~") else text)
    except Exception:  # no such user; a NUL character
        return False


def relate_path(path: str | os.PathLike[str], start: str | os.PathLike[str] = ".") -> str:
    """Return the path relative to a folder, as text that `expand_path` reads as the same path: `./~x`, not `~x`."""
    found = os.path.relpath(path, start)
    return os.path.join(".", found) if found.startswith("~") else found
