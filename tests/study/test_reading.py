"""The report of real run directories: finished, running, stopped, without a result; rebuilt from the files alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from study import tiny
from study.inline_trainings import train_inline

import blockspace as bs
from blockspace.errors import InfeasibleError
from blockspace.records import SearchOpened
from blockspace.searching import Interrupted, StudyLock, find_lock_holder, read_stored_study
from blockspace.study import read_run, write_report


@pytest.fixture
def copy(done, tmp_path):
    """The finished run directory, to be damaged."""
    return shutil.copytree(done[0] / "run", tmp_path / "run")


def test_the_study_leaves_its_report(done):
    folder, outcome, events = done
    text = (folder / "run" / "report.html").read_text()
    assert all(sentence in text for sentence in outcome.answer.sentences())
    assert (folder / "run" / "front.png").read_bytes()[:4] == b"\x89PNG"
    assert "done" in events and "warning" not in events


def test_what_is_read_is_what_the_study_had(done):
    folder, outcome, _ = done
    run = read_run(folder / "run")
    assert run.state == "finished" and run.notes == () and run.families == ("hs", "resnext", "mine")
    assert [(t.number, t.state, t.key) for t in run.trials] == [(r.number, r.state, r.key) for r in outcome.rows]
    assert run.front == {found.row.number for found in outcome.front}
    assert run.budgets == tuple(outcome.resolved.budgeted_space.budgets.values())
    assert run.baseline["macs"] == outcome.resolved.baseline.costs["macs"]
    assert run.answer == outcome.answer
    assert [f.name for f in run.finals] == [row.name for row in outcome.answer.rows]
    assert run.trainings == (8, 8) and run.counts["trained"] == 6
    assert {"python", "torch", "lightning", "optuna", "blockspace", "machine", "device"} == set(run.environments[0].versions)
    assert run.environments[0].trainings == 14


def test_each_finalist_has_all_that_was_kept_of_it(done):
    folder, outcome, _ = done
    for one in read_run(folder / "run").finals:
        assert one.graph.key() == one.key and one.yaml.startswith("format: ")
        assert [t.replicate for t in one.trainings if t.replicate is not None] == [0, 1]
        assert all(len(t.epochs) == 1 for t in one.trainings)
        assert f"run#{one.name}" in one.command


def test_the_answer_is_made_anew_from_the_scores(done, copy):
    (copy / "answer.json").unlink()
    assert read_run(copy).answer == done[1].answer
    (copy / "answer.json").write_text("{}")
    run = read_run(copy)
    assert run.answer == done[1].answer and "answer.json" in run.notes[0]


def test_an_answer_of_other_trainings_is_not_believed(copy):
    shutil.rmtree(next((copy / "finalists").glob("*/seed-1")))
    run = read_run(copy)
    assert run.trainings == (7, 8) and min(row.seeds for row in run.answer.rows) == 1


def test_files_that_are_gone_are_said_not_fatal(copy):
    (copy / "baseline.yaml").unlink()
    shutil.rmtree(copy / "trials")
    shutil.rmtree(copy / "finalists")
    run = read_run(copy)
    assert run.baseline == {} and run.budgets == () and run.answer is None
    assert len(run.notes) == 4 and "baseline" in run.notes[-1]
    assert write_report(copy).stat().st_size > 10_000


def test_while_it_runs_the_lock_is_neither_taken_nor_needed(copy):
    assert find_lock_holder(copy) is None
    with StudyLock(copy):
        assert find_lock_holder(copy).startswith("pid ")
        run = read_run(copy)
        write_report(copy)
    assert run.state == "running" and "6 of 6 networks trained" in run.words
    assert find_lock_holder(copy) is None


def test_the_database_is_read_as_of_one_moment_and_not_written(copy):
    before = (copy / "study.db").read_bytes()
    found = read_stored_study(copy)
    assert found.objectives == {"val_acc": "maximize"} and found.choices["block"] == ["hs", "resnext", "mine"]
    assert (copy / "study.db").read_bytes() == before


def test_an_interrupted_study_leaves_its_report_too(tmp_path, monkeypatch):
    """Stopped before anything is trained: the report says so, and how to go on."""

    def stopped(_plan, _name, _folder, _digest, on_event, **__):
        on_event(SearchOpened())
        (tmp_path / "run" / "study.db").write_bytes((empty_database(tmp_path)).read_bytes())
        raise Interrupted()

    monkeypatch.setattr("blockspace.study.run_search.optimize", stopped)
    with pytest.raises(Interrupted):
        bs.search(tiny.write(tmp_path), [f"out={tmp_path / 'run'}"])
    text = (tmp_path / "run" / "report.html").read_text()
    assert "state-stopped" in text and "There is no answer yet" in text


def empty_database(folder):
    import optuna

    optuna.create_study(storage=f"sqlite:///{folder / 'empty.db'}", study_name="tiny", direction="maximize")
    return folder / "empty.db"


def test_a_study_of_which_nothing_is_feasible_has_a_report(tmp_path):
    """The budget on what is measured is met by nothing: rows without a metric, no finals."""
    changes = ["budget={macs: {low: 80%, high: 120%}, latency: {high: 0.01}}", "search.proposals=1", "search.workers=1"]
    with train_inline() as patch, pytest.raises(InfeasibleError):
        patch.setattr("blockspace.study.latency_measurer.LATENCY_PAIRS", 2)
        bs.search(tiny.write(tmp_path), [f"out={tmp_path / 'run'}", *changes])
    run = read_run(tmp_path / "run")
    assert run.state == "failed" and run.counts["over_budget"] + run.counts["duplicate"] == 6
    assert "none of 6 proposals" in (tmp_path / "run" / "report.html").read_text()


def test_a_report_that_fails_costs_a_line_not_the_study(done, copy, monkeypatch):
    folder, outcome, _ = done

    def broken(_folder):
        raise RuntimeError("no ink")

    monkeypatch.setattr("blockspace.study.run_reader.write_report", broken)
    said = []
    again = bs.search(folder / "study.yaml", [f"out={copy}"], on_event=said.append)
    assert again.text() == outcome.text()
    assert [event.reason for event in said if event.kind == "warning"] == ["report.html was not written: no ink"]


def test_a_start_that_was_refused_leaves_state_and_report_alone(copy, done):
    before = (copy / "report.html").read_bytes()
    with pytest.raises(bs.BlockspaceError, match="changed since"):
        bs.search(done[0] / "study.yaml", [f"out={copy}", "train.epochs=2"])
    assert (copy / "report.html").read_bytes() == before and read_run(copy).state == "finished"


def test_the_command_needs_no_torch_and_says_what_it_wrote(copy):
    (copy / "report.html").unlink()
    code = f"import sys; from blockspace.cli import main; code = main(['report', {str(copy)!r}]); sys.exit(code or 'torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(str(copy / "report.html")) and (copy / "report.html").is_file()


def test_a_folder_that_is_no_run_directory_is_named(tmp_path):
    with pytest.raises(bs.BlockspaceError, match="is not a run directory"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_optuna_dashboard_opens_the_database(copy):
    """Its own application, asked for its page, its list of studies and this study's trials."""
    dashboard = pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is not installed")
    import io

    app = dashboard.wsgi(f"sqlite:///{copy / 'study.db'}")

    def get(path: str) -> bytes:
        status = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "after=0", "SERVER_NAME": "x", "SERVER_PORT": "80"}
        environ |= {"wsgi.input": io.BytesIO(), "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http"}
        body = b"".join(app(environ, lambda line, headers, *_: status.append(line)))
        assert status[0].startswith("200"), status
        return body

    assert b"<html" in get("/dashboard/").lower()
    studies = json.loads(get("/api/studies"))["study_summaries"]
    assert [study["study_name"] for study in studies] == ["tiny"]
    trials = json.loads(get(f"/api/studies/{studies[0]['study_id']}"))["trials"]
    assert len(trials) == len(read_stored_study(copy).records)
