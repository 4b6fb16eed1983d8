"""doctor: what it says of this machine, and of machines that lack something."""

from __future__ import annotations

import json
import os
import shutil
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from blockspace import study
from blockspace.cli import main
from blockspace.study import doctor

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/me/scratch tmpfs rw 0 0
//box/share /mnt/my\\040share cifs rw 0 0
"""


def test_this_machine(tmp_path, capsys):
    code = main(["doctor", f"out={tmp_path}", "--json"])
    found = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert {"python", "torch", "lightning", "cores", "device", "bf16", "channels_last", "compiler", "disk", "folder", "storage"} <= set(
        found
    )
    assert {check["state"] for check in found.values()} <= {"ok", "warn", "fail"}
    assert all(check["help"] for check in found.values() if check["state"] != "ok"), "what is amiss has a next step"
    assert code == (2 if any(check["state"] == "fail" for check in found.values()) else 0)
    assert found["torch"]["text"] == metadata.version("torch")


def test_lines(monkeypatch, capsys):
    checks = [doctor.DoctorCheck("python", "ok", "3.12"), doctor.DoctorCheck("disk", "fail", "0.0 GiB free", "free some space")]
    monkeypatch.setattr(study, "diagnose", lambda **_: iter(checks))
    assert main(["doctor"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        "ok    python         3.12",
        "fail  disk           0.0 GiB free",
        f"{'':20} = help: free some space",
    ]
    assert main(["doctor", "outt=x"]) == 2 and "out=FOLDER" in capsys.readouterr().err


def test_packages():
    assert doctor.check_package(Requirement("networkx>=3.2")).state == "ok"
    old = doctor.check_package(Requirement("networkx>=99"))
    assert old.state == "fail" and old.help == "pip install 'networkx>=99'"
    assert doctor.check_package(Requirement("no-such-package-here>=1")).text == "is not installed, wanted >=1"


def test_an_installation_that_is_whole():
    """Each requirement is imported by the name of its module, whatever the package is called."""
    modules = {"resvg-py": "resvg_py", "pyyaml": "yaml", "scikit-learn": "sklearn", "numpy": "numpy"}
    assert {name: doctor.find_module_name(name) for name in modules} == modules
    found = [check() for check in doctor.list_package_checks()]
    assert {check.state for check in found} == {"ok"}, found


def test_shared_memory(monkeypatch, tmp_path):
    assert doctor.check_shared_memory(str(tmp_path / "none")).state == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    found = doctor.check_shared_memory(str(tmp_path))
    assert found.state == "warn" and found.text.startswith("1.0 MiB free") and "train.workers=0" in found.help


def test_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BLOCKSPACE_CACHE", str(tmp_path / "cache"))
    assert doctor.check_cache() == ("cache", "ok", str(tmp_path / "cache"), None)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BLOCKSPACE_CACHE", str(tmp_path / "file" / "below"))
    assert doctor.check_cache().state == "warn"
    monkeypatch.setattr(doctor, "cache_folder", lambda: None)
    assert "no home folder" in doctor.check_cache().text


def test_a_package_that_does_not_load(monkeypatch):
    def broken(_):
        raise ImportError("libfoo.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "import_module", broken)
    found = doctor.check_package(Requirement("networkx>=3.2"))
    assert found.state == "fail" and "libfoo.so.1" in found.text and "--force-reinstall" in found.help


def test_the_floors_are_those_of_the_project():
    names = {wanted.name for wanted in doctor.read_requirements()[1]}
    assert {"torch", "lightning", "optuna", "pydantic"} <= names and "pytest" not in names


@pytest.mark.parametrize(
    "folder, kind",
    [
        ("/data/runs", "ext4"),
        ("/home/me/runs", "nfs4"),
        ("/home/me/scratch/runs", "tmpfs"),
        ("/mnt/my share/x", "cifs"),
        ("/homestead", "ext4"),
    ],
)
def test_file_systems(folder, kind):
    assert doctor.find_file_system(Path(folder), MOUNTS) == kind


def test_storage_on_a_network(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "read_mounts", lambda: "server:/ / nfs4 rw 0 0\n")
    found = doctor.check_storage(tmp_path)
    assert found.state == "warn" and "local disk" in found.help
    monkeypatch.setattr(doctor, "read_mounts", lambda: "")
    assert doctor.check_storage(tmp_path).state == "ok"


@pytest.mark.parametrize("free, state", [(10, "fail"), (500, "warn"), (5000, "ok")])
def test_disk(free, state, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free * 2**20))
    assert doctor.check_disk(tmp_path / "runs" / "mine").state == state


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    assert doctor.check_writable(tmp_path).text == f"{tmp_path} cannot be written: Permission denied"


def test_a_compiler_or_none(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert doctor.check_compiler().state == "warn"
    (tmp_path / "g++").write_text("#!/bin/sh\n")
    os.chmod(tmp_path / "g++", 0o755)
    assert doctor.check_compiler().text == str(tmp_path / "g++")


def test_threads_beyond_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    assert doctor.check_cores().state == "warn"


def test_a_check_that_breaks_is_a_finding():
    def device():
        raise RuntimeError("driver too old")

    assert doctor.run_check(device) == ("device", "fail", "RuntimeError: driver too old", None)
