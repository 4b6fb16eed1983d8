"""A study takes over what another run has trained, and tries its seeds first."""

from __future__ import annotations

import csv
import json

import pytest
from study import tiny
from study.inline_trainings import train_inline
from written import mistake

import blockspace as bs
from blockspace.cli import main
from blockspace.executors import read_result
from blockspace.records import Event
from blockspace.study import read_run, resolve_study

QUICK = ["finalists={take: 1, per: block, seeds: 1}"]


@pytest.fixture(scope="module")
def again(done, tmp_path_factory):
    """The tiny study in another folder, with the results of the first and two of its networks as seeds; and what it said."""
    folder, first, _ = done
    own = tmp_path_factory.mktemp("again")
    events: list[Event] = []
    seeds = [row.params for row in first.rows if row.state == "trained"][4:]
    named = dict(zip(("early", "late"), seeds, strict=True))
    out = [f"out={own / 'run'}", f"search.seeds={json.dumps(named)}", *QUICK]
    with train_inline() as patch:
        patch.setattr("blockspace.study.run_search.export_finalists", lambda *_: [])
        outcome = bs.search(tiny.write(own), out, events.append, [folder / "run"])
    return own / "run", outcome, events


def test_nothing_is_trained_twice_but_the_finals(done, again):
    folder, first, _ = done
    run, outcome, events = again
    trained = [row for row in outcome.rows if row.state == "trained"]
    before = {row.key: row for row in first.rows if row.state == "trained"}
    taken = [row for row in trained if row.reused]
    assert [row.params for row in outcome.rows[:2]] == list(outcome.resolved.initial) and all(row.reused for row in outcome.rows[:2])
    assert all(row.metrics == before[row.key].metrics and row.seconds == 0.0 for row in taken)
    assert {row.key for row in trained} & set(before) == {row.key for row in taken}
    ended = next(event for event in events if event.kind == "ended")
    assert ended.saved["reused"] == len(taken)
    assert any("6 trained networks are not trained again" in note for event in events if event.kind == "asked" for note in event.notes)
    results = [read_result(place) for place in run.glob("finalists/*/seed-0")]
    assert len(results) == 4 and not any(result.origin for result in results) and all(result.seconds > 0 for result in results)


def test_a_result_taken_over_is_whole(again, tmp_path):
    run, outcome, _ = again
    row = next(row for row in outcome.rows if row.reused)
    folder = run / "trials" / f"{row.number:04d}"
    assert {path.name for path in folder.iterdir()} >= {"arch.yaml", "metrics.csv", "result.json", "weights.safetensors"}
    bs.export(f"{run}#{row.number}", tmp_path / "out", formats=["py", "safetensors"])
    assert bs.load(str(tmp_path / "out" / "arch.yaml")).graph().key() == row.key


def test_reports_say_what_was_taken_over(again):
    run, outcome, _ = again
    taken = [row for row in outcome.rows if row.reused]
    with open(run / "results.csv", newline="") as file:
        assert [line["reused"] for line in csv.DictReader(file) if line["reused"]] == [row.reused for row in taken]
    assert read_run(run).counts["reused"] == len(taken)
    assert "<span>reused</span>" in (run / "report.html").read_text()


def test_results_and_answer_say_the_nearest_seed(again):
    run, outcome, _ = again
    rows = [row for row in csv.DictReader((run / "results.csv").read_text().splitlines()) if row["state"] == "trained"]
    assert [(row["nearest"], row["changed"]) for row in rows[:2]] == [("early", "0"), ("late", "0")]
    left = rows[2:]
    assert left and all(row["nearest"] in ("early", "late") and int(row["changed"]) > 0 for row in left)
    assert all(row["label"].startswith(f"{row['nearest']}+{row['changed']}-") for row in left)
    finalists = {row.name.replace("_", "+") for row in outcome.answer.rows if row.family != "baseline"}
    assert finalists <= {row["label"] for row in rows}
    page = (run / "report.html").read_text()
    assert all(row["label"] in page for row in rows)


@pytest.mark.parametrize(
    "changes, words",
    [
        (["train.batch=16"], "nothing can be taken over: train.batch: 32 -> 16"),
        (["search.seed=1"], "nothing can be taken over: search.seed: 0 -> 1"),
        (["data.train=150"], "data.train: 200 -> 150; data: other images"),
    ],
)
def test_what_differs_is_said_and_it_is_trained(done, tmp_path, monkeypatch, changes, words):
    class Enough(Exception):
        pass

    def listen(event):
        if event.kind == "asked":
            raise Enough(event.notes)

    with pytest.raises(Enough, match=words):
        bs.search(tiny.write(tmp_path), [f"out={tmp_path / 'run'}", *changes], listen, [done[0] / "run"])


def test_other_versions_are_said(done, tmp_path, monkeypatch):
    monkeypatch.setattr("blockspace.study.warm_start.version", lambda package: "0.0")
    from blockspace.data import preflight
    from blockspace.study.warm_start import collect_prior_results, read_prior_runs

    resolved = resolve_study(tiny.write(tmp_path), [f"out={tmp_path / 'run'}"])
    known, lines = collect_prior_results(resolved, preflight(resolved.study.data), read_prior_runs(resolved, [done[0] / "run"]))
    assert not known.results and "its 6 trained networks are of other versions of blockspace, torch, lightning" in lines[0]


def test_a_run_that_is_none_is_one_line(done, tmp_path, capsys):
    study = str(tiny.write(tmp_path))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "study.yaml").write_text((done[0] / "run" / "study.yaml").read_text())
    (broken / "study.db").write_bytes(b"no database")
    for run, words in ((tmp_path / "gone", "no run directory"), (broken, "cannot be read"), (done[0] / "run", "own run directory")):
        assert main(["search", study, f"out={done[0] / 'run'}", "--reuse", str(run)]) == 2
        said = capsys.readouterr().err
        assert words in said and "Traceback" not in said
    assert main(["search", study, "--dry-run", "--reuse", str(broken)]) == 2


SEEDED = "search: {trials: 6, seeds: [{block: resnext, block.resnext.cardinality: 4}, {block: hs, block.hs.splits: 5}], "


def seeded(folder, *changes):
    path = tiny.write(folder)
    text = path.read_text().replace("search: {trials: 6, ", SEEDED)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_seeds_are_completed_and_checked(tmp_path):
    resolved = resolve_study(seeded(tmp_path))
    assert [one["block"] for one in resolved.initial] == ["resnext", "hs"]
    assert resolved.initial[0]["block.resnext.cardinality"] == 4 and resolved.initial[1]["block.hs.splits"] == 5
    assert all(set(one) <= set(resolved.space.holes) and len(one) == 3 for one in resolved.initial)
    assert resolve_study(seeded(tmp_path), ["search.seeds=[{block: mine}]"]).initial[0]["block"] == "mine"


@pytest.mark.parametrize(
    "old, new, code, words",
    [
        ("block.hs.splits: 5", "block.hs.splitz: 5", "E-SPACE", "no hole 'block.hs.splitz'"),
        ("block.hs.splits: 5", "block.hs.splits: 9", "E-SPACE", "block.hs.splits cannot be 9"),
        ("cardinality: 4", "cardinality: [4]", "E-SPACE", "cannot be [4]"),
        ("{block: hs, block.hs", "{block: mine, block.hs", "E-SPACE", "exists only where block is hs"),
        ("{trials: 6", "{trials: 1", "E-RANGE", "2 seeds are more than the 1 trial"),
        ("trials: 6, seeds: [", "trials: 3, seeds: [{block: hs}, ", "E-RANGE", "2 seeds with block hs are more than its equal share"),
    ],
)
def test_seeds_that_are_none(tmp_path, old, new, code, words):
    changes = [(old, new)] if "trials: 1" not in new else [(old, new), (", per_choice: {block: equal}", "")]
    found = mistake(resolve_study, seeded(tmp_path, *changes)) if code != "E-TYPE" else first_of(tmp_path, changes)
    assert found.code == code and words in found.message and found.mark.line == 10 and found.mark.column > 1, found.render()


def first_of(folder, changes):
    with pytest.raises(bs.BlockspaceError) as caught:
        resolve_study(seeded(folder, *changes))
    return caught.value.mistakes[0]
