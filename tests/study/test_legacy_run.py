"""A run directory that is older than `events.jsonl` and the trial record: it is read, exported from, trained from and resumed."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

import blockspace as bs
from blockspace.records import RunDir, TrialState, read_last_stage
from blockspace.reporting import answer_table, results_csv
from blockspace.study import read_run, write_report

STORED = Path(__file__).parent / "legacy"


@pytest.fixture
def old(tmp_path, monkeypatch) -> RunDir:
    """The stored directory, its database made from SQL; weights were not stored."""
    folder = shutil.copytree(STORED, tmp_path / "stored")
    with sqlite3.connect(folder / "run" / "study.db") as database:
        database.executescript((folder / "run" / "study.sql").read_text())
    database.close()
    monkeypatch.chdir(folder)
    return RunDir(Path("run"))


def test_it_is_what_today_does_not_write(old):
    assert not old.events.exists() and old.log.is_file() and old.storage.is_file()
    assert read_last_stage(old).kind == "done"


def test_its_report_is_read(old):
    run = read_run(old)
    assert (run.state, run.notes, run.families) == ("finished", (), ("hs", "resnext", "mine"))
    assert run.counts["trained"] == 6 and run.trainings == (4, 4)
    assert {trial.state for trial in run.trials} <= set(TrialState)
    assert results_csv(run.trials, run.per) == old.results.read_text(), "the same table, to the byte"
    assert table_of(answer_table(run.answer)) == table_of(old.answer.read_text())
    assert all("better" not in sentence for sentence in run.answer.sentences()), "one search says nothing of families"
    assert run.answer.sentences()[0] in write_report(old).read_text()


def table_of(answer: str) -> str:
    """Return the figures of an answer, without its sentences, which speak of networks now."""
    return answer.partition("\n\n")[0]


def test_its_answer_follows_from_its_scores(old):
    before = read_run(old).answer
    old.answer_json.unlink()
    assert read_run(old).answer == before


def test_its_networks_are_exported(old, tmp_path):
    bs.export("run#1", tmp_path / "trial", formats=("py",))
    bs.export("run#hs-s3-r1", tmp_path / "finalist", formats=("py",))
    for name, place in (("trial", old.trial(1)), ("finalist", old.finalist("hs-s3-r1", 0))):
        assert bs.load(str(tmp_path / name / "arch.yaml")).graph().key() == bs.load(str(place.arch)).graph().key()


def test_its_networks_are_trained(old):
    done = bs.train("run#1", ["train.epochs=1", "data={name: digits, train: 40, val: 20, test: 20}", "out=alone"])
    assert done.result.key == next(trial.key for trial in read_run(old).trials if trial.number == 1)


def test_it_is_resumed_to_the_same_result(old):
    before, table = old.answer.read_text(), old.results.read_text()
    outcome = bs.search("here/study.yaml", ["out=run", "search.workers=1", "finalists.seeds=1"])
    assert table_of(before) == table_of(outcome.text()) and old.results.read_text() == table
    assert outcome.text() + "\n" == old.answer.read_text()
    assert old.events.is_file() and read_run(old).state == "finished"


def test_it_is_not_resumed_with_another_question(old):
    with pytest.raises(bs.BlockspaceError, match="changed since its run directory was made") as caught:
        bs.search("here/study.yaml", ["out=run", "search.workers=1", "finalists.seeds=1", "train.epochs=2"])
    assert caught.value.mistakes[0].code == "E-CHANGED" and read_run(old).state == "finished"
