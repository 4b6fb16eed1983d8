"""What a study asked for and its answer lacks is named in answer.txt, answer.json, the report and the exit code; a re-run mends it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy
import pytest
from study import tiny
from study.inline_trainings import train_inline

import blockspace as bs
from blockspace.cli.search import run as run_command
from blockspace.executors import Result
from blockspace.records import RunDir, TrialRecord, TrialState
from blockspace.reporting import Answer, Missing, answer_json, answer_table, read_answer
from blockspace.study import StudyResult, format_result_json, read_run, resolve_study, write_report
from blockspace.study.missing import describe_nearest, explain_no_network, find_missing
from blockspace.study.retrain import Finalist


@pytest.fixture
def copy(done, tmp_path) -> Path:
    """A copy of the finished run, with its study, in a folder of its own."""
    folder, _, _ = done
    for name in ("plain_pair.yaml", "space.yaml", "study.yaml"):
        shutil.copy(folder / name, tmp_path)
    shutil.copytree(folder / "run", tmp_path / "run")
    return tmp_path


def search(folder: Path, *changes: str):
    told = []
    with train_inline():
        outcome = bs.search(folder / "study.yaml", [f"out={folder / 'run'}", *changes], on_event=told.append)
    return outcome, [event.kind for event in told], [event.reason for event in told if event.kind == "warning"]


def refused(number: int, **violations: float) -> TrialRecord:
    measured = {"latency": 1.42 + number} if "latency" in violations else {}
    costs = {"macs": 12_300_000 + number}
    return TrialRecord(number, TrialState.OVER_BUDGET, key="v3:1", violations=violations, measured=measured, costs=costs, params={"b": "x"})


@pytest.mark.parametrize("records, reason", [
    ([refused(1, latency=0.9), refused(0, latency=0.1)], "none within the budget (nearest 1.42x)"),
    ([refused(0, macs=0.1)], "none within the budget (nearest 12.3M macs)"),
    ([refused(0, macs=0.1, latency=0.2)], "none within the budget (nearest 12.3M macs, 1.42x)"),
    ([refused(0, latency=0.1), TrialRecord(1, TrialState.FAILED, reason="no")], "no training of it ended with a result (no)"),
    ([TrialRecord(1, TrialState.DIVERGED, reason="the loss is nan")], "no training of it ended with a result (the loss is nan)"),
    ([TrialRecord(1, TrialState.OVER_BUDGET, violations={"invalid": 1.0}, reason="no width fits")], "none can be built (no width fits)"),
    ([TrialRecord(1, TrialState.TRAINED, comparable=False, reason="halved")], "none was trained as the study says (halved)"),
    ([], "the search never proposed one"),
    ([TrialRecord(1, TrialState.RUNNING)], "the search never proposed one"),
])  # fmt: skip
def test_a_family_without_a_network_has_its_reason(records, reason):
    assert explain_no_network(records) == reason


def test_the_nearest_is_by_the_worst_budget():
    assert describe_nearest([refused(0, macs=0.5, latency=0.1), refused(1, macs=0.2, latency=0.3)]) == "nearest 12.3M macs, 2.42x"


def test_missing_families_finalists_and_seeds_are_found(done):
    _, outcome, _ = done
    resolved = outcome.resolved
    finalists = [
        Finalist(row.label, row.families["block"], resolved.baseline, row) for row in outcome.rows if row.state == "trained"
    ]
    finalists = [next(one for one in finalists if one.family == family) for family in ("hs", "mine")]
    finalists.append(Finalist("baseline", "baseline", resolved.baseline))
    trained, full = Result("trained"), Result("oom", reason="full")
    results = [trained, Result("failed", reason="run/result.json cannot be written"), full, full, trained, trained]
    found = find_missing(resolved, [row for row in outcome.rows if row.families.get("block") != "resnext"], finalists, results)
    assert found == (
        Missing("family", "resnext", "the search never proposed one"),
        Missing("seed", f"{finalists[0].name} seed 1", "its training failed (run/result.json cannot be written)"),
        Missing("finalist", finalists[1].name, "its training failed (full)"),
    )
    finalists.append(Finalist("r", "resnext", resolved.baseline, outcome.rows[0]))
    assert find_missing(resolved, outcome.rows, finalists, [trained] * 8) == ()


MISSING = (Missing("family", "mix", "none within the budget (nearest 1.42x)"),)


def test_what_is_missing_is_in_every_form_of_the_answer(done, copy, capsys):
    _, outcome, _ = done
    complete = outcome.answer
    lacking = Answer(complete.rows, complete.differences, complete.against_baseline, complete.images, MISSING)
    line = "missing: family mix, none within the budget (nearest 1.42x)."
    assert answer_table(lacking) == f"{answer_table(complete)}\n\n{line}" and f"- {line}" in answer_table(lacking, "markdown")
    assert read_answer(answer_json(lacking)) == lacking and read_answer(answer_json(complete)) == complete
    assert json.loads(answer_json(lacking))["missing"][0]["reason"] == "none within the budget (nearest 1.42x)"
    assert "missing" not in json.loads(answer_json(complete)), "answers of studies that lack nothing stay as they were"
    found = StudyResult(outcome.resolved, outcome.rows, lacking, outcome.exported)
    assert found.exit_code == 7 and outcome.exit_code == 0
    assert json.loads(format_result_json(found))["missing"][0]["name"] == "mix" and json.loads(format_result_json(outcome))["missing"] == []
    (copy / "run" / "answer.json").write_text(answer_json(lacking))
    assert line in write_report(copy / "run").read_text()


@pytest.mark.slow
def test_a_finalist_whose_training_fails_is_named_and_a_re_run_mends_it(copy, capsys, monkeypatch):
    run = RunDir(copy / "run")
    before = run.answer.read_text()
    name = next(path.name for path in run.finalists.iterdir() if path.name.startswith("hs"))
    for replicate, line in ((1, f"missing: seed {name} seed 1, its training failed ("), (0, f"missing: finalist {name}, its training")):
        place = run.finalist(name, replicate)
        shutil.rmtree(place.path)
        place.scores.mkdir(parents=True)  # nothing can be renamed into its place
        monkeypatch.chdir(copy)
        assert run_command("study.yaml", [f"out={run.path}"], as_json=False, quiet=True) == 7
        shown = capsys.readouterr().out
        assert line in shown and "scores.npz cannot be written: Is a directory" in shown
        assert (run.exported(name) / "card.md").is_file(), "an earlier export stays"
        assert run.answer.read_text() == shown and line in run.report.read_text().replace("&#39;", "'")
        assert json.loads(run.answer_json.read_text())["missing"]
    for replicate in (0, 1):
        run.finalist(name, replicate).scores.rmdir()
    assert run_command("study.yaml", [f"out={run.path}"], as_json=False, quiet=True) == 0
    assert run.answer.read_text() == before


# files that are damaged, and run directories that are elsewhere


def read_answers(run: RunDir) -> tuple[str, dict]:
    """Return both files of the answer, but for what the trainings took: one more makes it more."""
    content = json.loads(run.answer_json.read_text())
    assert content.pop("compute")
    return run.answer.read_text(), content


@pytest.mark.parametrize("damage", ["torn", *(pytest.param(damage, marks=pytest.mark.slow) for damage in ("empty", "gone"))])
def test_scores_that_are_torn_are_said_and_made_again(copy, damage):
    run = RunDir(copy / "run")
    before = read_answers(run)
    scores = sorted(run.finalists.glob("*/seed-1/scores.npz"))[0]
    content = scores.read_bytes()
    if damage == "gone":
        scores.unlink()
    else:
        scores.write_bytes(content[:100] if damage == "torn" else b"")
    run.answer_json.unlink()
    shown = read_run(run)
    assert [str(scores) in note for note in shown.notes] == [True] and shown.answer is not None
    outcome, kinds, warnings = search(copy)
    assert kinds.count("started") == 1
    assert [str(scores) in text and text.endswith("the training is repeated") for text in warnings] == [True]
    assert read_answers(run) == before
    with zipfile.ZipFile(scores) as again:
        assert again.testzip() is None
    assert outcome.exit_code == 0 and numpy.load(scores)["correct"].shape == (300,)


@pytest.mark.parametrize("content", ["[" * 200_000, '{"format": "blockspace/answer/1"}', "{", "[]"])
def test_an_answer_that_is_damaged_is_made_anew(copy, content):
    run = RunDir(copy / "run")
    before = read_run(run).answer
    run.answer_json.write_text(content)
    found = read_run(run)
    assert found.answer == before and ["answer.json could not be read" in note for note in found.notes] == [True]


def test_a_result_nested_too_deep_does_not_stop_the_report(copy):
    run = RunDir(copy / "run")
    for path in run.path.glob("trials/*/result.json"):
        path.write_text("[" * 200_000)
    write_report(run)


@pytest.mark.slow
def test_a_copied_run_directory_goes_on_with_the_same_data_elsewhere(copy, monkeypatch):
    (copy / "here.py").write_text("from there import make\n")
    (copy / "there.py").write_text(
        "from sklearn.datasets import load_digits\n\ndef make():\n    found = load_digits()\n"
        "    return (found.images[:400] * 15).astype('uint8'), found.target[:400]\n"
    )
    monkeypatch.syspath_prepend(str(copy))
    shutil.rmtree(copy / "run")
    changes = ["search={trials: 3, workers: 1}", "finalists={take: 1, per: block, seeds: 1}"]
    first, _, _ = search(copy, "data={python: there:make, size: 16}", *changes)
    shutil.copytree(copy / "run", copy / "elsewhere")
    told = []
    again = bs.search(
        copy / "study.yaml", [f"out={copy / 'elsewhere'}", "data={python: here:make, size: 16}", *changes],
        on_event=lambda event: told.append(event.kind),
    )  # fmt: skip
    assert again.text() == first.text() and told.count("started") == 0
    with pytest.raises(bs.BlockspaceError, match="data.size: 16 -> 8"):
        bs.search(copy / "study.yaml", [f"out={copy / 'elsewhere'}", "data={python: here:make, size: 8}", *changes])


def test_a_study_does_not_write_into_a_folder_of_the_users(tmp_path, monkeypatch):
    path = tiny.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    small = {"name": "digits", "train": 40, "val": 20, "test": 20}
    for call in (lambda: bs.search(path, ["out=."]), lambda: bs.train("resnet20", ["out=."], data=small)):
        with pytest.raises(bs.BlockspaceError, match="is neither empty nor a run directory"):
            call()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    resolve_study(path)
