"""Seeds with names: each network is called after the nearest, and says by how many holes it differs."""

from __future__ import annotations

import csv
from pathlib import Path

import blockspace as bs
from blockspace.searching import SearchSpace
from blockspace.study import resolve_study
from blockspace.study.initial_trials import NamedSeeds

UNIVERSAL = "studies/universal.yaml"
SMALL = ["search.trials=4", "search.sampler=random", "search.workers=1", "train.epochs=1", "finalists.epochs=1", "finalists.seeds=1",
         "finalists.take=1", "data={name: digits, train: 96, val: 64, test: 64}",
         "search.seeds={bottleneck: {}, se: {squeeze: 8}, wide: {unit.main.groups.part1: 2}}"]  # fmt: skip


def test_a_seed_is_its_own_nearest():
    resolved = resolve_study(UNIVERSAL)
    names = list(resolved.options.search.seeds)
    assert [resolved.named_seeds.find_nearest(seed) for seed in resolved.initial] == [(name, 0) for name in names]


def test_only_holes_that_are_looked_at_count():
    resolved = resolve_study(UNIVERSAL)
    hs = dict(zip(resolved.options.search.seeds, resolved.initial))["hs"]
    assert resolved.named_seeds.find_nearest(hs | {"parts": 4, "squeeze": 8}) == ("hs", 2)
    bottleneck = resolved.space.default()
    # bottleneck has one part, so nothing of these is read
    assert resolved.named_seeds.find_nearest(bottleneck | {"carry": "half", "keep": "last", "split": "chunk"}) == ("bottleneck", 0)
    assert resolved.named_seeds.find_nearest(bottleneck | {"untied": True, "unit.main.k.part2": 7}) == ("bottleneck", 0)


def test_of_seeds_that_are_as_near_the_first_is_named():
    space: SearchSpace = resolve_study(UNIVERSAL).space
    default = space.default()
    found = NamedSeeds(space, ["b", "a"], [default | {"squeeze": 4}, default | {"squeeze": 8}])
    assert found.find_nearest(default) == ("b", 1)


def test_results_and_answer_say_the_nearest(tmp_path: Path):
    outcome = bs.search(UNIVERSAL, [*SMALL, f"out={tmp_path / 'run'}"])
    rows = list(csv.DictReader((tmp_path / "run" / "results.csv").read_text().splitlines()))
    assert [(row["nearest"], row["changed"]) for row in rows[:3]] == [("bottleneck", "0"), ("se", "0"), ("wide", "0")]
    left = rows[3:]
    assert left and all(row["nearest"] in ("bottleneck", "se", "wide") and int(row["changed"]) > 0 for row in left)
    assert all(row["label"].startswith(f"{row['nearest']}+{row['changed']}-") for row in left)
    finalist = next(row.name for row in outcome.answer.rows if row.family != "baseline")
    assert finalist.replace("_", "+") in {row["label"] for row in rows}
    page = (tmp_path / "run" / "report.html").read_text()
    assert all(row["label"] in page for row in rows)
