"""Paths of a run directory: one module spells them."""

from __future__ import annotations

import ast
import os
import shutil
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
    "last.ckpt", "looks.json",
}  # fmt: skip


def joined_paths(tree: ast.AST) -> list[ast.Constant]:
    """Return the texts that are joined to a path by `/`."""
    sides = [node.right for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)]
    return [side for side in sides if isinstance(side, ast.Constant)]


def file_names(tree: ast.AST) -> list[ast.Constant]:
    """Return the texts that are a file's name of a run directory."""
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [node for node in constants if node.value in NAMES and "." in str(node.value)]


def spelled(tree: ast.AST) -> list[ast.expr]:
    """Return where a file spells a path of a run directory."""
    found: list[ast.expr] = [node for node in [*joined_paths(tree), *file_names(tree)] if node.value in NAMES]
    return found + [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and "seed-" in ast.unparse(node)]


def test_nobody_else_spells_them():
    trees = {path: ast.parse(path.read_text()) for path in sorted(set(PACKAGE.rglob("*.py")) - {HOME})}
    wrong = [f"{path.relative_to(PACKAGE)}:{node.lineno}" for path, tree in trees.items() for node in spelled(tree)]
    assert len(trees) > 300 and not wrong, f"{wrong}: ask blockspace.records.RunDir"


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


@pytest.mark.parametrize("names", [["study.yaml"], ["arch.yaml", "notes.txt"], ["log.txt"], ["study.db"], ["best/"], ["report.html"]])
@pytest.mark.parametrize("is_study", [True, False])
def test_a_folder_of_somebody_elses_is_refused(tmp_path, names, is_study):
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).write_text("mine")
    with pytest.raises(bs.BlockspaceError, match="is neither empty nor a run directory: it holds ") as caught:
        RunDir(tmp_path).check_owner(is_study)
    assert caught.value.exit_code == 2 and "out=" in caught.value.mistakes[0].help


def test_an_empty_folder_and_a_run_directory_are_taken(tmp_path):
    run = RunDir(tmp_path / "run")
    for is_study in (True, False):
        run.check_owner(is_study)  # not there yet
    run.path.mkdir()
    (run.path / ".DS_Store").touch()
    run.check_owner(is_study=True)
    run.lock.touch()  # a start that was killed at once
    (run.path / "notes.txt").touch()
    for is_study in (True, False):
        run.check_owner(is_study)
    run.training_yaml.touch()
    run.check_owner(is_study=False)
    with pytest.raises(bs.BlockspaceError, match="is the run directory of the training of one network"):
        run.check_owner(is_study=True)
    run.training_yaml.unlink()
    run.storage.write_bytes(b"SQLite format 3\0")
    run.check_owner(is_study=True)
    with pytest.raises(bs.BlockspaceError, match="is the run directory of a study"):
        run.check_owner(is_study=False)


def every_path(run: RunDir) -> list[Path]:
    """Return every path that a run directory spells."""
    places = [run, run.training, run.trial(3), run.finalist("hs", 1)]
    found = [getattr(one, name) for one in places for name, own in vars(type(one)).items() if isinstance(own, property)]
    return [*{path for path in found if isinstance(path, Path) and path != run.path}, run.trial(3).path, run.exported("hs") / "model.py"]


def test_no_path_of_a_run_directory_may_be_a_link(tmp_path):
    run = RunDir(tmp_path / "run")
    outside = tmp_path / "outside"
    outside.mkdir()
    paths = every_path(run)
    assert len(paths) > 30
    for path in paths:
        shutil.rmtree(run.path, ignore_errors=True)
        path.parent.mkdir(parents=True)
        for target in (outside, tmp_path / "dangling", run.path):
            path.symlink_to(target)
            with pytest.raises(bs.BlockspaceError, match=f"{path} is a symbolic link, and is not followed") as caught:
                run.refuse_links()
            assert caught.value.exit_code == 3
            path.unlink()
    run.refuse_links()
    (run.path / "notes").symlink_to(outside)  # the user's own, which nothing here reads or writes
    run.refuse_links()
    link = tmp_path / "runs"
    link.symlink_to(run.path)
    RunDir(link).refuse_links()
