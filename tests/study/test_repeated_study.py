"""A study of several searches: each with finals of its own, one answer over the whole ones, and what some of them lack."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import numpy
import pytest
from study import tiny
from study.inline_trainings import train_inline

import blockspace as bs
from blockspace.errors import InfeasibleError, Mistake
from blockspace.executors import Result
from blockspace.files import CARD
from blockspace.records import RunDir, SearchGivenUp, TrialRecord, TrialState
from blockspace.reporting import Missing
from blockspace.searching import ResultCache, SearchOptions, derive_repeat_seed, derive_training_seed, read_stored_study
from blockspace.study import dry_run_text, read_facts, read_run, resolve_study, write_report
from blockspace.study.missing import find_missing
from blockspace.study.repeats import StudyStart, WholeRepeat, run_repeats
from blockspace.study.retrain import Finalist, finalist_jobs, make_finalist, select_exported, select_finalists
from blockspace.study.run_search import is_study_decided, run_repeat, run_trials
from blockspace.study.worker_jobs import find_resplit

TWO = ["search={trials: 3, repeats: 2, workers: 1, per_choice: {block: equal}}", "finalists={take: 1, per: block, seeds: 1}"]


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    """The tiny study with two searches, not run."""
    return resolve_study(tiny.write(tmp_path_factory.mktemp("resolved")), TWO)


def export_card(_resolved, _finalist, _place, folder, card, _facts) -> None:
    """An export of which only the card is looked at here."""
    folder.mkdir(parents=True)
    (folder / CARD).write_text(card)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The tiny study with two searches, run once, with what it told."""
    folder = tmp_path_factory.mktemp("two")
    events = []
    with train_inline() as patch:
        patch.setattr("blockspace.study.retrain.export_finalist", export_card)
        outcome = bs.search(tiny.write(folder), [*TWO, f"out={folder / 'run'}"], on_event=events.append)
    return folder, outcome, events


def trained(resolved, number: int, block: str, accuracy: float, repeat: int = 0) -> TrialRecord:
    seed = next(seed for seed in range(number, 1000) if resolved.space.random(seed)["block"] == block)
    params = resolved.space.random(seed)
    known = {"params": params, "families": {"block": block}, "values": {"val_acc": accuracy}, "repeat": repeat}
    return TrialRecord(number, TrialState.TRAINED, f"{block}-{number}", f"v3:{number}", **known)


# the loop over searches


def loop(repeats, decided_after: int):
    ran, looked = [], []

    def is_decided(whole):
        looked.append(len(whole))
        return len(whole) >= decided_after

    whole = run_repeats(SearchOptions(repeats=repeats), lambda number: ran.append(number) or WholeRepeat(number, [], [], []), is_decided)
    assert [one.number for one in whole] == ran == list(range(len(ran)))
    return len(ran), looked


@pytest.mark.parametrize("repeats, decided_after, ran, looked", [
    (1, 0, 1, []), (5, 0, 5, []), ("up to 12", 0, 3, [3]), ("up to 12", 4, 6, [3, 6]), ("up to 12", 99, 12, [3, 6]),
    ("up to 20", 12, 12, [3, 6, 12]), ("up to 3", 0, 3, []), ("up to 5", 99, 5, [3]),
])  # fmt: skip
def test_searches_go_on_until_all_is_decided_at_a_look(repeats, decided_after, ran, looked):
    assert loop(repeats, decided_after) == (ran, looked)


# what is retrained, and exported


def test_each_search_has_finalists_and_seeds_of_its_own_and_the_first_the_baseline(resolved):
    records = [trained(resolved, number, block, 0.5 + number / 100, repeat) for number, (block, repeat) in enumerate(
        (block, repeat) for repeat in (0, 1) for block in ("hs", "resnext", "mine"))]  # fmt: skip
    first, second = (select_finalists(resolved, records[3 * repeat : 3 * repeat + 3], repeat) for repeat in (0, 1))
    assert [one.name for one in first] == ["hs-0", "resnext-1", "mine-2", "baseline"]
    assert [one.name for one in second] == ["hs-3.repeat-1", "resnext-4.repeat-1", "mine-5.repeat-1"]
    for repeat, finalists in enumerate((first, second)):
        jobs = finalist_jobs(resolved, finalists)
        seed = derive_repeat_seed(resolved.options.search.seed, repeat)
        assert [job.seed for job in jobs] == [derive_training_seed(seed, one.candidate.key, 1) for one in finalists]
        assert all("repeat" not in job.options for job in jobs), "final trainings are on the same images in every search"
    assert [one.name for one in select_exported(resolved, first + second)] == [one.name for one in second], "the better ones of both"


def test_long_labels_keep_their_search():
    record = TrialRecord(3, TrialState.TRAINED, "x" * 80)
    resolved = type("Resolved", (), {"per": None, "space": type("Space", (), {"name": "s"}), "candidate": lambda self, params: None})()
    name = make_finalist(resolved, record, 12).name
    assert len(name) == 64 and name.endswith("x.repeat-12")


def test_only_later_searches_cut_the_data_anew():
    assert find_resplit({"data": {"name": "digits"}}) is None and find_resplit({"data": "digits", "repeat": 0}) is None
    assert find_resplit({"data": {"name": "digits", "seed": 4}, "repeat": 2}) == derive_repeat_seed(4, 2)


# what is missing


def test_a_family_that_some_searches_lack_is_named_with_them(resolved):
    records = [trained(resolved, number, "hs", 0.5, number) for number in range(3)]
    records += [trained(resolved, 3 + number, "resnext", 0.5, number) for number in (0, 2)]
    finalists = [Finalist(record.label, record.families["block"], resolved.baseline, record, record.repeat) for record in records]
    found = find_missing(resolved, records, finalists, [Result("trained")] * 5)
    never = "the search never proposed one"
    assert found == (Missing("family", "resnext in repeat 1", never), Missing("family", "mine", never))


def test_fewer_finalists_or_networks_than_asked_for_are_named_unless_there_are_no_more(resolved):
    more = replace(resolved, study=replace(resolved.study, options=resolved.options.model_copy(
        update={"finalists": resolved.options.finalists.model_copy(update={"take": 2})})))  # fmt: skip
    records = [trained(resolved, number, block, 0.5) for number, block in enumerate(("hs", "resnext", "mine"))]
    finalists = [Finalist(record.label, record.families["block"], resolved.baseline, record) for record in records]
    lacking = {block: Missing("finalist", f"1 of 2 of {block}", "only 1 network of it was trained within the budget")
               for block in ("hs", "resnext", "mine")}  # fmt: skip
    results = [Result("trained")] * 3
    assert set(find_missing(more, records, finalists, results)) == set(lacking.values())
    others = [replace(records[2], number=10 + repeat, state=TrialState.OVER_BUDGET, params=records[2].params | {"stage1.repeat": repeat})
              for repeat in range(resolved.space.size({"block": "mine"}))]  # fmt: skip
    assert set(find_missing(more, records + others, finalists, results)) == {lacking["hs"], lacking["resnext"]}, "all of mine were tried"
    reasons = {0: "150 proposals gave no more new networks within the budget"}
    short = find_missing(resolved, records[:2], finalists, results, reasons)
    assert short == (Missing("trial", "1 of 3", reasons[0]),)
    assert find_missing(resolved, records[:2], finalists, results, {0: "the space is exhausted"}) == ()
    assert find_missing(resolved, records, finalists, results, reasons) == (), "all that were asked for"


def start_of(resolved, folder) -> StudyStart:
    look = type("Look", (), {"write": lambda self, folder: None})()
    return StudyStart(resolved, folder, None, None, lambda event: None, look, ResultCache())


def test_a_later_search_without_a_network_is_its_result_and_the_first_ends_the_study(resolved, tmp_path, monkeypatch):
    refused = TrialRecord(9, TrialState.OVER_BUDGET, violations={"macs": 0.5}, repeat=1)
    plans, written = [], []

    def finds_nothing(plan, _name, _folder, _digest, on_event, **_):
        plans.append(plan)
        on_event(SearchGivenUp((refused,), plan.repeat))
        raise InfeasibleError(Mistake("E-INFEASIBLE", "none of 1 proposal is within the budget"))

    monkeypatch.setattr("blockspace.study.run_search.optimize", finds_nothing)
    monkeypatch.setattr("blockspace.study.run_search.write_all_results", lambda start, records: written.extend(records))
    start = start_of(resolved, tmp_path)
    with pytest.raises(InfeasibleError):
        run_trials(start, 0, None)
    assert run_trials(start, 1, None) == ([refused], "none of 1 proposal is within the budget") and written == [refused, refused]
    assert [plan.job_options.get("repeat") for plan in plans] == [None, 1] and [plan.repeat for plan in plans] == [0, 1]
    whole = run_repeat(start, 1, None)
    assert whole.finalists == [] and whole.results == [] and whole.reason


def test_a_look_that_was_taken_before_is_not_taken_again(two, monkeypatch):
    folder, outcome, _ = two
    looks = []
    monkeypatch.setattr("blockspace.study.run_search.answer_repeats", lambda resolved, whole: looks.append(len(whole)) or outcome.answer)
    monkeypatch.setattr("blockspace.study.run_search.write_answer", lambda folder, answer: None)
    start = start_of(outcome.resolved, folder / "run")
    for count in (1, 2):
        is_study_decided(start, [WholeRepeat(number, [], [], []) for number in range(count)])
    assert looks == [2], "the second search has begun: after the first it was looked at before"


# before it runs


def test_a_dry_run_says_how_many_searches(tmp_path):
    path = tiny.write(tmp_path)
    text = dry_run_text(resolve_study(path, ["search.repeats=up to 6", "search.trials=3"]), [])
    assert "searches: up to 6, one after the other, 3 networks each, 18 in all; ends after 3 once every sentence is decided" in text
    assert "searches:" not in dry_run_text(resolve_study(path), [])
    assert any("no verdict" in note for note in resolve_study(path, ["search.repeats=2"]).notes)
    assert not resolve_study(path, ["search.repeats=3"]).notes


# a study that was run


def test_both_searches_are_in_the_results(two):
    folder, outcome, events = two
    assert [row.repeat for row in outcome.rows] == sorted(row.repeat for row in outcome.rows) and outcome.rows[-1].repeat == 1
    assert [row.number for row in outcome.rows] == list(range(len(outcome.rows)))
    with open(folder / "run" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[-1] == "repeat" and [int(row["repeat"]) for row in rows] == [row.repeat for row in outcome.rows]
    assert [event.kind for event in events].count("opened") == 2 == [event.kind for event in events].count("finals")
    assert read_stored_study(folder / "run").ended == {0: 3, 1: 3}


def test_the_answer_has_the_finalists_of_both_and_one_baseline(two):
    folder, outcome, _ = two
    names = [row.name for row in outcome.answer.rows]
    assert len(names) == 7 and names.count("baseline") == 1 and sum(name.endswith(".repeat-1") for name in names) == 3
    assert outcome.exit_code == 0 and outcome.answer.missing == ()
    run = RunDir(folder / "run")
    assert sorted(path.name for path in run.finalists.iterdir()) == sorted(names)
    assert len(outcome.exported) == 3, "as many as of one search"
    best = {}
    for row in outcome.rows:
        if row.state == "trained":
            family = row.families["block"]
            best[family] = max(best.get(family, (0.0, 0)), (row.values["val_acc"], -row.number))
    assert {-number for _, number in best.values()} == {
        int(read_facts(place).source and next(row.number for row in outcome.rows if place.name.startswith(row.label)
            and (row.repeat > 0) == place.name.endswith("repeat-1"))) for place in outcome.exported
    }  # fmt: skip


def test_later_searches_choose_by_other_images_and_are_tested_on_the_same(two):
    folder, outcome, _ = two
    run = RunDir(folder / "run")
    scores = {path.parent.parent.name: numpy.load(path) for path in run.finalists.glob("*/seed-0/scores.npz")}
    assert {len(one["correct"]) for one in scores.values()} == {300}
    assert len({one["mean"].tobytes() for one in scores.values()}) == 1
    facts = {row.repeat: read_facts(run.trial(row.number).path) for row in outcome.rows if row.state == "trained"}
    assert facts[0].mean == facts[1].mean and facts[0].images == facts[1].images


def test_the_report_shows_both(two):
    folder, outcome, _ = two
    found = read_run(folder / "run")
    assert found.state == "finished" and found.searches.whole == (0, 1) and found.searches.still_open is None
    assert found.answer == outcome.answer and found.notes == () and found.wanted == 6
    page = (folder / "run" / "report.html").read_text()
    assert ">repeat</th>" in page and "Preliminary" not in page and "in each of 2 independent searches" in page


def test_a_search_that_is_open_is_left_out_and_named(two, tmp_path):
    folder, outcome, _ = two
    copy = shutil.copytree(folder / "run", tmp_path / "run")
    last = next(copy.glob("finalists/*.repeat-1"))
    shutil.rmtree(last)
    (copy / "answer.json").unlink()
    (copy / "events.jsonl").write_text("")
    (copy / "log.txt").unlink(missing_ok=True)
    found = read_run(copy)
    assert found.searches.whole == (0,) and found.searches.still_open == 1 and found.state == "stopped"
    assert "1 of 2 searches is whole; search 2: 3 of 3 networks trained, 2 of 3 trainings of the finals" in found.words
    assert {row.name for row in found.answer.rows} == {row.name for row in outcome.answer.rows if ".repeat-" not in row.name}
    assert "1 of 2 searches is whole; what follows rests on those" in write_report(copy).read_text()


def test_the_same_command_trains_nothing_again(two):
    folder, outcome, _ = two
    kinds = []
    before = (folder / "run" / "answer.json").read_text()
    again = bs.search(folder / "study.yaml", [*TWO, f"out={folder / 'run'}"], on_event=lambda event: kinds.append(event.kind))
    assert "started" not in kinds and again.text() == outcome.text()
    assert json.loads((folder / "run" / "answer.json").read_text())["rows"] == json.loads(before)["rows"]


def test_finalists_of_later_searches_are_found_by_their_names(two):
    folder, outcome, _ = two
    run = folder / "run"
    name = next(row.name for row in outcome.answer.rows if row.name.endswith(".repeat-1"))
    number = next(row.number for row in outcome.rows if row.repeat == 1 and row.state == "trained" and name.startswith(row.label))
    trained, found = bs.load(f"{run}#{name}").trained, read_facts(RunDir(run).finalist(name, 0).path)
    assert trained.source == f"run#{name}" and found.choices == next(row for row in outcome.rows if row.number == number).choices
