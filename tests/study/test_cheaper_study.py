"""A finished study is asked how much cheaper a network can be: which trainings that adds, what is said, and that the files say it again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from markupsafe import escape

import blockspace as bs
from blockspace.errors import BlockspaceError, FailureError, error
from blockspace.executors import Job, Result, adopt_result
from blockspace.records import Event, RunDir, TrainingDir, ignore_event
from blockspace.reporting import Answer, BoundedNetwork, CheaperAnswer, read_answer
from blockspace.searching import read_stored_study
from blockspace.study import read_run, resolve_study
from blockspace.study.cheaper_stage import complete_cheaper, find_cheaper_records
from blockspace.study.remeasured_cost import add_remeasured

COST = "params"


class IdleExecutor:
    """An executor that is given nothing to do."""

    free = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def cancel_all(self):
        """Cancel nothing."""


class FakeTrainings:
    """Trainings that end at once; `done` are their labels. A network is right on `accuracy` of the images."""

    def __init__(self, accuracy: float = 0.9):
        self.accuracy, self.done, self.fails = accuracy, [], ()

    def run_jobs(self, jobs, evaluate, executor, on_event=None, stop=None):
        return [adopt_result(job.folder, job.key, job.seed) or self.train(job) for job in jobs]

    def train(self, job: Job) -> Result:
        self.done.append(job.label)
        if any(word in job.label for word in self.fails):
            raise FailureError(*error("E-FAILED", "all of 1 training failed").mistakes)
        place = TrainingDir(Path(job.folder))
        place.path.mkdir(parents=True)
        place.arch.write_text(job.arch["arch"])
        correct = numpy.random.default_rng(job.seed).random(300) < self.accuracy
        numpy.savez(place.scores, correct=correct, log_loss=1.0 - correct, mean=0.5, std=0.5)
        result = Result("trained", {"val_acc": 0.3, "test_acc": float(correct.mean())}, 0.1, job.seed, job.key)
        result.write(job.folder)
        return result


@pytest.fixture
def copy(done, tmp_path) -> Path:
    """A copy of the finished run, with its study, in a folder of its own."""
    folder, _, _ = done
    for name in ("plain_pair.yaml", "space.yaml", "study.yaml"):
        shutil.copy(folder / name, tmp_path)
    shutil.copytree(folder / "run", tmp_path / "run")
    return tmp_path


@pytest.fixture
def fake(monkeypatch) -> FakeTrainings:
    """Nothing is trained, and no process started."""
    trainings = FakeTrainings()
    for place in ("retrain", "cheaper_stage"):
        monkeypatch.setattr(f"blockspace.study.{place}.run_jobs", trainings.run_jobs)
    monkeypatch.setattr("blockspace.study.run_search.open_executor", lambda *_: IdleExecutor())
    return trainings


def ask(folder: Path, *changes: str):
    return bs.search(folder / "study.yaml", [f"out={folder / 'run'}", f"compare.cheaper={COST}", *changes])


def test_what_it_adds_and_says(copy, fake):
    before = {row.name for row in read_run(copy / "run").answer.rows}
    outcome = ask(copy, "compare.margin=60 points")
    added = [row.name for row in outcome.answer.rows if row.name not in before]
    assert 1 <= len(added) <= 4 and outcome.answer.rows[-1].name == "baseline"
    assert fake.done == [f"{name} seed {seed}" for name in added for seed in (0, 1)], "the baseline was a trial of the search"
    found = outcome.cheaper
    assert found is outcome.answer.cheaper and found.chosen and {one.name for one in found.networks} == {*before, *added} - {"baseline"}
    assert outcome.answer.sentences()[0] == found.sentence() and outcome.exit_code == 0
    assert found.networks[0].ratio == min(row.costs[COST] for row in outcome.answer.rows) / outcome.resolved.baseline.costs[COST]
    means = {name: numpy.mean([numpy.load(copy / f"run/finalists/{name}/seed-{s}/scores.npz")["correct"] for s in (0, 1)])
             for name in (*before, *added)}  # fmt: skip
    assert {one.name: one.difference for one in found.networks} == pytest.approx(
        {name: mean - means["baseline"] for name, mean in means.items() if name != "baseline"}
    )
    cheap = [one for one in outcome.rows if one.label in added]
    assert all(row.costs[COST] < outcome.resolved.baseline.costs[COST] for row in cheap)
    text = (copy / "run" / "answer.txt").read_text()
    assert text.index(found.sentence()) < text.index(outcome.answer.sentences()[1])


def test_the_families_comparison_is_as_before(copy, fake):
    before = read_run(copy / "run").answer
    after = ask(copy).answer
    assert (after.differences, after.against_baseline) == (before.differences, before.against_baseline)
    assert [row for row in after.rows if row in before.rows] == list(before.rows)


def test_a_report_and_another_start_say_the_same_from_the_files(copy, fake):
    outcome = ask(copy)
    run = RunDir(copy / "run")
    assert read_run(run).answer == outcome.answer == read_answer(run.answer_json.read_text())
    run.answer_json.unlink()
    assert read_run(run).answer.cheaper == outcome.cheaper, "made anew from the scores"
    assert [final.role for final in read_run(run).finals] == [*["best"] * 3, *["cheap"] * (len(outcome.answer.rows) - 4), "baseline"]
    assert escape(outcome.cheaper.sentence()) in run.report.read_text()
    fake.done.clear()
    assert ask(copy).answer == outcome.answer and not fake.done, "nothing is trained again"


@pytest.fixture
def others(copy):
    """The study, and the trials that are not the baseline's network."""
    resolved = resolve_study(copy / "study.yaml", [f"out={copy / 'run'}", f"compare.cheaper={COST}", "compare.margin=60 points"])
    return resolved, [record for record in read_stored_study(copy / "run").records if record.key != resolved.baseline.key]


def test_the_baseline_is_trained_once_as_in_the_search(others, fake):
    resolved, records = others
    for _ in range(2):
        found = find_cheaper_records(resolved, records, [], None, ignore_event)
        assert found and all(record.costs[COST] < resolved.baseline.costs[COST] for record in found)
        assert fake.done == ["baseline, as in the search"]


def test_a_baseline_that_fails_is_named(others, fake):
    resolved, records = others
    fake.fails = ("baseline",)
    events: list[Event] = []
    assert find_cheaper_records(resolved, records, [], None, events.append) == []
    assert [event.kind for event in events] == ["finals", "warning"] and "all of 1 training failed" in events[1].reason
    (lost, _) = complete_cheaper(resolved, records, Answer((), (), (), 300), ignore_event).missing
    assert (lost.kind, lost.name) == ("training", "of the baseline, as in the search")


@pytest.mark.parametrize("change, code, words", [
    ("compare.cheaper=latency", "E-KEY", "add budget: {latency: {}}"),
    ("compare.cheaper=mac", "E-KEY", "did you mean 'macs'?"),
    ("compare.cheaper=val_acc", "E-KEY", "known: params, "),
    ("compare.against=resnet50", "E-TYPE", None),
])  # fmt: skip
def test_a_cost_that_is_not_known_is_refused(change, code, words, copy):
    with pytest.raises(BlockspaceError) as caught:
        resolve_study(copy / "study.yaml", [change])
    (mistake,) = caught.value.mistakes
    assert mistake.code == code and mistake.mark and (words is None or words in mistake.help)


def test_the_hint_for_latency_works(copy):
    study = resolve_study(copy / "study.yaml", ["compare.cheaper=latency", "budget.latency={}"]).study
    assert study.comparison.cheaper == "latency" and study.comparison.by == "block"
    assert resolve_study(copy / "study.yaml", ["compare.cheaper=acts"]).study.costs == ["macs", "params", "acts"]


@pytest.fixture
def chosen(copy):
    """A study that asks for latency, its trials, and its answer before anything is measured anew."""
    resolved = resolve_study(copy / "study.yaml", ["compare.cheaper=latency", "budget.latency={}", f"out={copy / 'run'}"])
    answer = read_answer((copy / "run" / "answer.json").read_text())
    name = answer.rows[0].name
    found = CheaperAnswer("latency", 0.005, (BoundedNetwork(name, 0.7, 0.0, 0.0),), name, 300, 2)
    RunDir(copy / "run").baseline_trial.path.mkdir()
    Result("trained", {"val_acc": 0.3}, key=resolved.baseline.key).write(RunDir(copy / "run").baseline_trial)
    return resolved, read_stored_study(copy / "run").records, replace(answer, cheaper=found)


def test_a_latency_is_measured_anew_once(chosen, monkeypatch):
    resolved, records, answer = chosen
    ratios = iter(numpy.linspace(0.70, 0.78, 9))
    monkeypatch.setattr("blockspace.study.cheaper_stage.make_latency_measurer", lambda *_: lambda _: {"latency": float(next(ratios))})
    found = complete_cheaper(resolved, records, answer, print)
    assert found.cheaper.remeasured.measurements == 9 and found.cheaper.remeasured.ratio == pytest.approx(0.7396, abs=1e-4)
    assert not found.missing and "measured after the choice" in found.cheaper.sentence()
    keys = {record.label: record.key for record in records}
    assert add_remeasured(RunDir(resolved.study.folder), answer, keys) == found == complete_cheaper(resolved, records, found, print)


def test_a_measurement_that_fails_is_named(chosen, monkeypatch):
    resolved, records, answer = chosen

    def fail(_):
        raise error("E-LATENCY", "the latency of x could not be measured: it was stopped")

    monkeypatch.setattr("blockspace.study.cheaper_stage.make_latency_measurer", lambda *_: fail)
    events: list[Event] = []
    found = complete_cheaper(resolved, records, answer, events.append)
    (lost,) = found.missing
    assert (lost.kind, lost.name) == ("measurement", f"latency of {answer.cheaper.chosen}") and "it was stopped" in lost.reason
    assert [event.kind for event in events] == ["warning"] and "measured once, before the choice" in found.cheaper.sentence()
