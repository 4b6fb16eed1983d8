"""The lock of a run directory: one holder at a time, named in a file that stays; a file system without locks says so."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest

from blockspace.errors import StorageError
from blockspace.searching import StudyLock, find_lock_holder

HOLD = """
import sys, time
from blockspace.searching import StudyLock
with StudyLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def hold(folder) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_refused_process_reads_who_holds_the_lock_and_a_kill_frees_it(tmp_path):
    process = hold(tmp_path)
    try:
        for _ in range(2):  # being refused must not empty the file
            words = rf"another process runs this study \(pid {process.pid} on .* since 20"
            with pytest.raises(StorageError, match=words) as caught, StudyLock(tmp_path):
                pass
            assert caught.value.mistakes[0].code == "E-LOCKED"
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert find_lock_holder(tmp_path) is None
    with StudyLock(tmp_path):
        assert json.loads((tmp_path / "study.lock").read_text())["pid"] == os.getpid()


def test_the_file_stays_and_the_lock_can_be_taken_again(tmp_path):
    for _ in range(2):
        with StudyLock(tmp_path):
            pass
        assert json.loads((tmp_path / "study.lock").read_text())["pid"] == os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/locks")
def test_the_holder_is_found_without_taking_the_lock(tmp_path):
    assert find_lock_holder(tmp_path) is None
    with StudyLock(tmp_path):
        assert find_lock_holder(tmp_path).startswith(f"pid {os.getpid()} on ")


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused_with_its_cause(tmp_path, monkeypatch, code):
    def no_locks(_descriptor, _operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StorageError, match=f"study.lock cannot be locked: {os.strerror(code)}") as caught, StudyLock(tmp_path):
        pass
    assert caught.value.mistakes[0].code == "E-IO" and caught.value.exit_code == 3


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def no_space(_descriptor, _data, _offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", no_space)
    with pytest.raises(StorageError, match="the disk is full") as caught, StudyLock(tmp_path):
        pass
    assert caught.value.mistakes[0].code == "E-DISK"
    monkeypatch.undo()
    with StudyLock(tmp_path):  # nothing was left locked
        pass
