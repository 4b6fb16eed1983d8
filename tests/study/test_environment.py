"""What a run runs on: the checkout, the packages, the CPU; noted once for each kind of machine."""

from __future__ import annotations

import getpass
import platform
import subprocess
from dataclasses import replace
from importlib.metadata import version

import pytest

from blockspace.records import RunDir, read_environments
from blockspace.study import environment
from blockspace.study.environment import collect_environment, note_environment, read_checkout


def git(folder, *arguments):
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_is_that_of_the_checkout_the_package_lies_in(tmp_path):
    package = tmp_path / "blockspace"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert read_checkout(package) == ("", False), "no checkout"
    git(tmp_path, "init", "-q")
    assert read_checkout(package) == ("", False), "in somebody else's checkout, which does not know it"
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    assert read_checkout(package) == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "beside").write_text("")
    assert not read_checkout(package)[1], "what lies beside the package does not run"
    (package / "new.py").write_text("")
    assert read_checkout(package)[1]


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_checkout(environment.PACKAGE) == ("", False)


def test_an_entry_is_added_for_another_machine_only(tmp_path, monkeypatch):
    run, here = RunDir(tmp_path), replace(collect_environment(), torch_build="")
    monkeypatch.setattr(environment, "describe_torch_build", lambda: "MKL")
    monkeypatch.setattr(environment, "collect_environment", lambda: here)
    for _ in range(2):
        note_environment(run)
    assert read_environments(run) == (replace(here, torch_build="MKL"),)
    other = replace(here, cpu="another", since="later")
    monkeypatch.setattr(environment, "collect_environment", lambda: other)
    note_environment(run)
    assert [one.cpu for one in read_environments(run)] == [here.cpu, "another"]
    assert here.packages["torch"] == version("torch") and here.cpu and here.memory > 2**28 and here.blas
    assert {"CPU", "BLAS", "packages", "system"} <= set(here.lines())


def test_no_path_and_no_user_is_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "/home/ada/threads")
    note_environment(RunDir(tmp_path))
    text = RunDir(tmp_path).environment.read_text()
    assert "/home" not in text and "ada" not in text and f'"{platform.node()}"' not in text and f'"{getpass.getuser()}"' not in text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "blockspace/environment/1", "environments": [{"python": "3"}]}'])
def test_a_damaged_file_is_passed_over(tmp_path, text):
    RunDir(tmp_path).environment.write_text(text)
    assert read_environments(RunDir(tmp_path)) == ()
