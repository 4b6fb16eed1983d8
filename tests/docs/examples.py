"""Pages as scripts: the fenced blocks of a Markdown page, and what running them in order means.

- `sh`: every `blockspace` line is run; the fenced block behind it without a language (or `text`) is what was printed, `...` standing for
  anything. Exit code 0, unless a comment says another.
- `python`: run; names stay for the page's later blocks. A block behind it is what was printed.
- `yaml title="NAME"`: written to NAME. Without a title it is a piece of a file: read as YAML, and checked when it says its format.

A comment before a block changes that: `<!-- test: exit 2 -->`, `<!-- test: tiny -->` (the studies beside the page are made small first),
`<!-- test: skip, REASON -->`; and `<!-- test command -->` marks what CI runs as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(
    r"(?:^<!-- test(?::| command) ?(?P<mark>[^\n]*?) -->\n\s*)?^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^ *```\s*$",
    re.MULTILINE | re.DOTALL,
)
TITLE = re.compile(r'title="([^"]+)"')
PRINTED = ("", "text")


@dataclass(frozen=True)
class Example:
    """One fenced block: its language, title, text, the words of its comment, the line it starts at, and what is to be printed."""

    language: str
    title: str
    text: str
    mark: str
    line: int
    printed: str | None = None

    @property
    def code(self) -> int:
        """The exit code that is promised."""
        found = re.match(r"exit (\d+)", self.mark)
        return int(found[1]) if found else 0

    @property
    def skipped(self) -> bool:
        return self.mark.startswith("skip")


def examples(page: Path) -> list[Example]:
    """The page's blocks in order, each with the printed text that follows it."""
    text = page.read_text(encoding="utf-8")
    blocks = [block(match, text) for match in BLOCK.finditer(text)]
    found: list[Example] = []
    for example in blocks:
        if example.language in PRINTED and found and found[-1].language in ("sh", "python") and found[-1].printed is None:
            before = found.pop()
            found.append(Example(before.language, before.title, before.text, before.mark, before.line, example.text))
        elif example.language not in PRINTED:
            found.append(example)
    return found


def block(match: re.Match, text: str) -> Example:
    language, _, rest = match["info"].strip().partition(" ")
    title = TITLE.search(rest)
    lines = match["body"].splitlines()
    body = "\n".join(line.removeprefix(match["indent"]) for line in lines) + "\n"
    mark = "skip, CI runs it" if match[0].startswith("<!-- test command") else match["mark"] or ""
    return Example(language, title[1] if title else "", body, mark, text.count("\n", 0, match.start()) + 1)


def commands(example: Example) -> list[str]:
    """The command lines of a shell block: continued lines joined, comments left out."""
    joined = example.text.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
