"""Files with mistakes: what is printed for each, to the letter. `bad/NAME.txt` is what `bad/NAME.yaml` must say.

After a change of a message: `python tests/blocks/test_bad_files.py` writes the texts anew; read the difference before keeping it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cases import try_each

from blockspace.blocks import Network, load_unchecked
from blockspace.errors import CODES, BlockspaceError

BAD = Path(__file__).parent / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))


def said(name: str) -> tuple[list[str], str]:
    """Codes and rendered mistakes of a file, read from its own folder."""
    home = os.getcwd()
    os.chdir(BAD)
    try:
        found = load_unchecked(f"{name}.yaml")
        graph = found.graph() if isinstance(found, Network) else found.graph((64, 56, 56))
    except BlockspaceError as e:
        text = re.sub(r"--> \S*/library/", r"--> library/", e.render())  # how a path is shown depends on where it was first read
        return [m.code for m in e.mistakes], f"{' '.join(m.code for m in e.mistakes)}\n{text}\n"
    finally:
        os.chdir(home)
    raise AssertionError(f"{name} loads: {graph}")


def test_messages():
    assert len(NAMES) >= 100
    try_each(check_message, NAMES)


def check_message(name: str) -> None:
    codes, text = said(name)
    assert set(codes) <= set(CODES)
    assert text == (BAD / f"{name}.txt").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 20


if __name__ == "__main__":
    for name in NAMES:
        (BAD / f"{name}.txt").write_text(said(name)[1], encoding="utf-8")
