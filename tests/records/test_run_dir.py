"""Paths of a run directory: one module spells them."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

import blockspace
import blockspace as bs
from blockspace.records import RunDir, TrainingDir, runs_around

PACKAGE = Path(blockspace.__file__).parent
HOME = PACKAGE / "records" / "rundir.py"
NAMES = {
    "trials", "finalists", "best", "measure", "study.yaml", "baseline.yaml", "preflight.json", "study.db", "study.lock", "log.txt",
    "events.jsonl", "results.csv", "answer.txt", "answer.json", "report.html", "front.png", "training.yaml", "metrics.csv", "scores.npz",
    "last.ckpt",
}  # fmt: skip


def joined_paths(tree: ast.AST) -> list[ast.Constant]:
    """Return the texts that are joined to a path by `/`."""
    sides = [node.right for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    return [side for side in sides if isinstance(side, ast.Constant)]


def file_names(tree: ast.AST) -> list[ast.Constant]:
    """Return the texts that are a file's name of a run directory."""
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [node for node in constants if node.value in NAMES and "." in str(node.value)]


@pytest.mark.parametrize("path", sorted(set(PACKAGE.rglob("*.py")) - {HOME}), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_else_spells_them(path):
    tree = ast.parse(path.read_text())
    found = [node for node in [*joined_paths(tree), *file_names(tree)] if node.value in NAMES]
    found += [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and "seed-" in ast.unparse(node)]
    assert not found, f"{path}:{found[0].lineno}: ask blockspace.records.RunDir"


def test_names_are_all_in_use():
    values = {node.value for node in ast.walk(ast.parse(HOME.read_text())) if isinstance(node, ast.Constant)}
    assert NAMES <= values


def test_a_run_directory_is_a_path():
    run = RunDir(Path("runs/first"))
    assert os.fspath(run) == str(run) == "runs/first" and RunDir.of(run) is run and RunDir.of("runs/first") == run
    assert os.fspath(run.trial(17)) == "runs/first/trials/0017" and run.finalist("hs", 2).path == Path("runs/first/finalists/hs/seed-2")


def test_a_folder_is_shown_as_one_would_type_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RunDir(tmp_path / "runs" / "a").display() == "runs/a"
    assert RunDir(tmp_path.parent).display() == str(tmp_path.parent)


def test_networks_are_found_by_number_and_name(tmp_path):
    run = RunDir(tmp_path)
    for place in (run.trial(3), run.finalist("hs-s4", 0)):
        place.path.mkdir(parents=True)
        place.arch.write_text("x")
    assert run.training_named("3") == run.trial(3) and run.training_named("hs-s4") == run.finalist("hs-s4", 0)
    with pytest.raises(bs.BlockspaceError, match="no network 'net' in"):
        run.training_named("net")
    assert runs_around(run.trial(3).path)[2] == run and run.training == TrainingDir(tmp_path)
