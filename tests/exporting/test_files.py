"""Files are whole or absent."""

import errno
import os
import subprocess
import sys

import pytest

from blockspace import files
from blockspace.errors import StorageError


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    files.write_atomic(path, "one")
    files.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("number, code", [(errno.ENOSPC, "E-DISK"), (errno.EDQUOT, "E-DISK"), (errno.EACCES, "E-IO")])
def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch, number, code):
    path = files.write_atomic(tmp_path / "a.txt", "old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(StorageError) as caught:
        files.write_atomic(path, "new")
    assert caught.value.mistakes[0].code == code
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_sweep_removes_only_what_the_dead_left(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", "pass"])
    dead.wait()
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f".a.txt.{pid}.tmp").write_text("half")
    (tmp_path / "kept.txt").write_text("whole")
    assert [p.name for p in files.sweep_temporaries(tmp_path)] == [f".a.txt.{dead.pid}.tmp"]
    assert {p.name for p in tmp_path.iterdir()} == {"kept.txt", f".a.txt.{os.getpid()}.tmp"}
