"""Every example of README.md and docs/ is run, page by page, in a folder of its own; what it shows as printed is what is printed."""

from __future__ import annotations

import doctest
import runpy
import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest
import yaml
from docs.examples import Example, commands, examples

import blockspace.study
from blockspace.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONG = {"README.md", "tutorial.md", "backbones.md", "training.md", "rewriting.md", "universal.md"}  # pages that search, train, export
TINY = {
    "data": {"name": "digits", "train": 128, "val": 64, "test": 64},
    "search": {"trials": 2, "workers": 1},
    "train": {"epochs": 1},
    "finalists": {"take": 1, "epochs": 1, "seeds": 2},
}
SAME = doctest.OutputChecker().check_output
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Page:
    """One page being followed: the folder its reader works in, and the names Python knows."""

    def __init__(self, folder: Path, capsys):
        self.folder, self.capsys, self.names = folder, capsys, {}

    def follow(self, example: Example) -> None:
        if example.mark.startswith("tiny"):
            self.make_tiny()
        run = {"sh": self.shell, "python": self.python, "yaml": self.write}.get(example.language)
        assert run, f"line {example.line}: a block of {example.language!r} is not run"
        run(example)

    def make_tiny(self) -> None:
        """Every study in the folder, with few trials of few images."""
        for path in self.folder.rglob("*.yaml"):
            if "format: blockspace/study/1" in path.read_text() and "runs" not in path.parts:
                content = yaml.safe_load(path.read_text())
                for key, value in TINY.items():
                    content[key] = {**content[key], **value} if isinstance(content.get(key), dict) else value
                path.write_text(yaml.safe_dump(content, sort_keys=False))

    def write(self, example: Example) -> None:
        if example.title:
            path = self.folder / example.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(example.text)
        elif "format: blockspace/" in example.text:
            path = self.folder / ("studies" if "blockspace/study/" in example.text else ".") / "_piece.yaml"
            path.write_text(example.text)
            assert main(["check", str(path)]) == 0, f"line {example.line}: {self.said()[1]}"
        else:
            assert yaml.safe_load(example.text) is not None, f"line {example.line}"

    def shell(self, example: Example) -> None:
        """Each line; what is compared is what the last printed, on stderr when it is promised to fail."""
        printed = ""
        for command in commands(example):
            words = shlex.split(command, comments=True)
            assert words[0] == "blockspace", f"line {example.line}: {command} is not run: say why with `<!-- test: skip, ... -->`"
            code = main(words[1:])
            out, err = self.said()
            assert code == example.code, f"line {example.line}: {command} ended with {code}\n{out}{err}"
            printed = err if code else out
        self.compare(example, printed)

    def python(self, example: Example) -> None:
        path = self.folder / "_page.py"
        path.write_text("\n" * example.line + example.text)
        self.names = {k: v for k, v in runpy.run_path(str(path), self.names).items() if not k.startswith("__")}
        self.compare(example, self.said()[0])

    def said(self) -> tuple[str, str]:
        return self.capsys.readouterr()

    def compare(self, example: Example, printed: str) -> None:
        if example.printed is not None:
            assert SAME(example.printed, printed, FLAGS), (
                f"line {example.line} promises\n{example.printed}\nand this was printed\n{printed}"
            )


@pytest.mark.parametrize("path", [pytest.param(page, id=page.name, marks=[pytest.mark.slow] * (page.name in LONG)) for page in PAGES])
def test_page(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    if path.name not in LONG:  # whose dry runs show their numbers
        monkeypatch.setattr(blockspace.study, "draw_families", partial(blockspace.study.draw_families, samples=10))
    for folder in ("searchspaces", "studies"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    page = Page(tmp_path, capsys)
    for example in examples(path):
        if not example.skipped:
            page.follow(example)


def test_what_is_not_run_says_why():
    skipped = [(path.name, example) for path in PAGES for example in examples(path) if example.skipped]
    assert not [f"{page}:{one.line}" for page, one in skipped if len(one.mark.partition(",")[2].strip()) <= 8]


def test_a_wrong_page_is_noticed(tmp_path, monkeypatch, capsys):
    """The test of the test: a command that fails, other output, an unknown file."""
    monkeypatch.chdir(tmp_path)
    for text in (
        "```sh\nblockspace show resnxt\n```\n",
        "```sh\nblockspace --version\n```\n\n```\nblockspace 99\n```\n",
        "```sh\nmake me happy\n```\n",
        "```python\nassert False\n```\n",
        "```yaml\nformat: blockspace/block/1\nblock: x\nflow: [conv33: 8]\n```\n",
        "```ini\na = 1\n```\n",
    ):
        (tmp_path / "page.md").write_text(text)
        with pytest.raises(AssertionError):
            for example in examples(tmp_path / "page.md"):
                Page(tmp_path, capsys).follow(example)
