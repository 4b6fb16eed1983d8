"""The studies and search spaces that come with the package: by name anywhere, and inside a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import blockspace as bs
from blockspace.cli import main
from blockspace.shipped import list_shipped
from blockspace.study import load_study

ROOT = Path(__file__).parents[1]


def test_every_file_is_found_by_its_name():
    for kind, folder in (("study", "studies"), ("space", "searchspaces")):
        assert list(list_shipped(kind)) == sorted(path.stem for path in (ROOT / folder).glob("*.yaml"))


def test_names_work_in_any_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert load_study("hs_vs_resnext").name == "hs_vs_resnext"
    assert bs.load("hs_vs_resnext").open, "a space"
    for words in (["show", "cardinality"], ["check", "cardinality"], ["cp", "cardinality", "my_study.yaml"], ["check", "my_study.yaml"]):
        assert main(words) == 0, capsys.readouterr().err
    assert "topologies" in capsys.readouterr().out


def test_an_unknown_study_is_refused_with_the_nearest_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bs.BlockspaceError, match="no study called 'hs_vs_resnet'") as caught:
        load_study("hs_vs_resnet")
    assert "did you mean 'hs_vs_resnext'" in caught.value.mistakes[0].help


@pytest.mark.slow
def test_a_wheel_brings_them(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "runs", "build", "*.egg-info", "__pycache__", "docs", "tests"))
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*pip, "-w", str(tmp_path), str(source)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert not (site / "studies").exists() and (site / "blockspace" / "py.typed").is_file()

    def blockspace(*words: str) -> str:
        code = "import blockspace, sys; from blockspace.cli import entry; sys.stderr.write(blockspace.__file__ + chr(10)); entry()"
        environment = os.environ | {"PYTHONPATH": str(site)}
        done = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr.startswith(str(site)), done.stderr
        return done.stdout

    assert "hs_vs_resnext" in blockspace("ls", "--studies")
    blockspace("cp", "hs_vs_resnext", "my_study.yaml")
    assert "\nspace: hs_vs_resnext\n" in (tmp_path / "my_study.yaml").read_text()
    assert "topologies" in blockspace("check", "my_study.yaml")
    assert "within budget" in blockspace("search", "hs_splits", "--dry-run")
    assert blockspace("show", "mobile")
