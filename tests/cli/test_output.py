"""Output that fails - an encoding without the characters, a full disk, a closed stream, a reader that leaves - changes nothing else."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from functools import cache
from itertools import product

import pytest
from cases import try_each
from events import search_half_done

from blockspace.cli import main
from blockspace.cli.output import PLAIN, SafeStream
from blockspace.cli.progress import EpochProgress, Progress

COMMANDS = [
    ["show", "hs_block"], ["show", "resnet50"], ["show", "hs_block", "--nodes"], ["show", "hs_block", "--passes"],
    ["show", "se", "--source"], ["show", "se", "--json"], ["show", "se", "--mermaid"], ["compare", "se", "eca"], ["check", "resnet50"],
    ["check", "nothing"], ["ls"], ["ls", "--rules"], ["--help"], ["show", "--help"], ["schema", "block"], ["show", "nothing"], ["nothing"],
    ["check", "nothing", "--json"],
]  # fmt: skip


class Failing(io.StringIO):
    """A stream that cannot be written, from `after` characters on."""

    encoding = "utf-8"

    def __init__(self, number: int, after: int = 0):
        super().__init__()
        self.number, self.after = number, after

    def write(self, text):
        if self.tell() + len(text) > self.after:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(text)


def run(argv, out=None, err=None) -> int:
    """Run a command with streams of one's own; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out or io.StringIO())
        patch.setattr(sys, "stderr", err or io.StringIO())
        return main(list(argv))


@cache
def run_plainly(argv: tuple[str, ...]) -> tuple[int, str, str]:
    """Return the exit code of a command, and what it writes to streams that take everything."""
    out, err = io.StringIO(), io.StringIO()
    return run(argv, out, err), out.getvalue(), err.getvalue()


def encoded(name):
    return io.TextIOWrapper(io.BytesIO(), encoding=name, write_through=True)


def compare_encoding(encoding: str, argv: list[str]) -> None:
    """A drawing keeps its lines and columns: one character stands for one."""
    code, *plain = run_plainly(tuple(argv))
    others = encoded(encoding), encoded(encoding)
    assert run(argv, *others) == code
    for one, two in zip(plain, others):
        text = two.buffer.getvalue().decode(encoding)
        assert text.count("\n") == one.count("\n")
        if argv == ["show", "hs_block"] and text:
            assert [len(row) for row in text.splitlines()[5:]] == [len(row) for row in one.splitlines()[5:]]


def test_every_encoding_shows_the_same_lines():
    try_each(compare_encoding, product(["ascii", "cp1252", "cp437"], COMMANDS))


def test_characters_of_drawings_become_ascii_and_names_stay_unambiguous():
    stream = SafeStream(encoded("ascii"))
    stream.write("├─◇ 98.4 ± 0.2 → π x₂ c₋₁ ² café \udcff\n")
    assert stream.stream.buffer.getvalue() == rb"+-< 98.4 +- 0.2 -> pi x2 c-1 2 caf\xe9 \udcff" + b"\n"
    assert all(text.isascii() for text in PLAIN.values())


def fail_streams(number: int, argv: list[str]) -> None:
    code = run_plainly(tuple(argv))[0]
    assert run(argv, err=Failing(number)) == code, "stderr is never missed"
    for after in (0, 100):
        err = io.StringIO()
        found = run(argv, Failing(number, after), err)
        lost = "could not be written to stdout" in err.getvalue()
        assert found == (3 if lost and not code else code) and not (lost and number == errno.EPIPE)
        assert "Traceback" not in err.getvalue()


def test_a_stream_that_fails_is_no_traceback():
    try_each(fail_streams, product([errno.ENOSPC, errno.EPIPE], COMMANDS))


def test_a_command_whose_result_is_in_files_keeps_its_exit_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    err = io.StringIO()
    assert run(["cp", "se", "mine.yaml"], Failing(errno.ENOSPC), err) == 0
    assert (tmp_path / "mine.yaml").is_file() and "the result is in its files" in err.getvalue()


@pytest.mark.parametrize("progress", [Progress, EpochProgress])
def test_progress_on_a_stream_that_fails(progress):
    for stream in (Failing(errno.EIO), Failing(errno.EPIPE), SafeStream(encoded("ascii"))):
        with progress(stream=stream) as listener:
            listener.say("├─ a line")
            for event in search_half_done():
                listener(event)


def run_shell(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -c 'from blockspace.cli import entry; entry()'"
    env = {**os.environ, **environment}
    return subprocess.run(["bash", "-c", text.replace("BLOCKSPACE", command)], capture_output=True, text=True, timeout=300, env=env)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize(
    "text, code, words",
    [
        ("BLOCKSPACE show se > /dev/full", 3, "No space left"),
        ("BLOCKSPACE --help > /dev/full", 3, "No space left"),
        ("BLOCKSPACE show se >&-", 0, ""),
        ("BLOCKSPACE show nothing 2>&-", 2, ""),
        ("BLOCKSPACE show nothing 2> /dev/full", 2, ""),
        ("BLOCKSPACE cp se mine.yaml <&- >&- 2>&-; tail -n 1 mine.yaml | grep -q .", 0, ""),
        ("set -o pipefail; BLOCKSPACE show resnet50 --full | head -1 > /dev/null", 0, ""),
    ],
)
def test_closed_and_full_streams_of_a_real_process(text, code, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = run_shell(text, PYTHONUNBUFFERED="1")
    assert found.returncode == code and "Traceback" not in found.stderr and "Exception" not in found.stderr
    assert words in found.stderr if words else found.stderr == ""
