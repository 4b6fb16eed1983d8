"""Every help that names a replacement is tried: applied at its place, the mistake is gone, or has become another one."""

from __future__ import annotations

import random
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest
from hints import apply_help

from blockspace.blocks import Block, Network, list_library_files
from blockspace.blocks.template_file import TemplateFile
from blockspace.errors import BlockspaceError, Mistake
from blockspace.reader import parse_yaml
from blockspace.shipped import list_shipped
from blockspace.study import load_study

ROOT = Path(__file__).parents[1]
BAD = sorted((ROOT / "tests" / "blocks" / "bad").glob("*.yaml"))
FILES = [*map(Path, list_library_files("block").values()), *map(Path, list_library_files("network").values())]
SPACES, STUDIES = ([Path(path) for path in list_shipped(kind).values()] for kind in ("space", "study"))


def find_mistakes(text: str, path: Path) -> tuple[Mistake, ...]:
    """Return what is wrong with a block, network or study of this text that lies at `path`; a study's copy is written here."""
    try:
        if path in STUDIES:
            Path(path.name).write_text(text)
            load_study(path.name)
            return ()
        file = TemplateFile(parse_yaml(text, str(path)), str(path)).check()
        if not file.mistakes:
            Block(file).graph((64, 56, 56)) if file.kind == "block" else Network(file).graph()
        return file.mistakes
    except BlockspaceError as e:
        return e.mistakes


def read_text(path: Path) -> str:
    """Return a file's text; a study's with the whole path of its space, so that a copy elsewhere is the same study."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return re.sub(r"(?m)^space: (\S+/\S+)", lambda found: f"space: {path.parent / found[1]}", text) if path in STUDIES else text


def list_hints_that_fail(text: str, path: Path, tried: Counter[str]) -> list[str]:
    """Return a line for each replacement after which the same mistake is still at its place."""
    failed = []
    for found in find_mistakes(text, path):
        assert found.help is None or found.help.strip(), found.render()
        for word, mended in apply_help(text, found):
            tried[re.split(r"\d|'|:|`", found.help or "")[0]] += 1
            after = find_mistakes(mended, path)
            if any((one.code, one.message, str(one.mark)) == (found.code, found.message, str(found.mark)) for one in after):
                failed.append(f"{path.name}: {word!r} for\n{found.render()}")
    return failed


def misspell(text: str, rng: random.Random) -> str:
    """Return the text with one word misspelt: two letters exchanged, one lost, or one doubled."""
    words = [word for word in re.finditer(r"(?m)(?<![#.\w/-])[A-Za-z_]\w{3,}", text) if "#" not in text[: word.start()].rpartition("\n")[2]]
    word = rng.choice(words)
    at = rng.randrange(word.start(), word.end() - 1)
    middle = rng.choice((text[at + 1] + text[at], text[at + 1], text[at] * 2 + text[at + 1]))
    return text[:at] + middle + text[at + 2 :]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_hints_of_files_with_mistakes_work(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert not list_hints_that_fail(read_text(path), path, Counter())


def try_misspelt(count: int, seed: int) -> tuple[list[str], Counter[str]]:
    """Misspell so many files; return the hints that fail, and how often each kind was tried."""
    failed, tried = [], Counter[str]()
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        path = rng.choice(rng.choice((FILES, SPACES, STUDIES)))
        failed += list_hints_that_fail(misspell(read_text(path), rng), path, tried)
    return failed, tried


def test_the_hints_of_misspelt_words_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, tried = try_misspelt(150, 1)
    assert not failed, "\n\n".join(failed)
    assert tried["did you mean "] > 50


@pytest.mark.slow
def test_the_hints_of_many_misspelt_and_damaged_files_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    failed, tried = try_misspelt(4_000, 2)
    damage = runpy.run_path(str(ROOT / "benchmarks" / "mutants.py"))["damage"]
    for number in range(4_000):
        rng = random.Random(f"3:{number}")
        path = rng.choice(rng.choice((FILES, SPACES, STUDIES)))
        failed += list_hints_that_fail(damage(read_text(path), rng), path, tried)
    assert not failed, "\n\n".join(failed)
