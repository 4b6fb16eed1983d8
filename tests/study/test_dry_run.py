"""The rehearsal says what a study would do, and writes nothing."""

from __future__ import annotations

import pytest
from study import tiny

from blockspace.cli.check import run as run_check
from blockspace.errors import BlockspaceError, InfeasibleError
from blockspace.study import draw_families, resolve_study
from blockspace.study.dry_run import dry_run_text
from blockspace.study.duration import StudyTimer, Timings, plan_stages, time_latency


def test_families_sizes_and_shares(tmp_path, monkeypatch):
    resolved = resolve_study(tiny.write(tmp_path))
    families = draw_families(resolved, samples=12)
    assert [f.name for f in families] == ["hs", "resnext", "mine"]
    assert all(f.samples == 12 and 0 <= f.share <= 1 for f in families)
    text = dry_run_text(resolved, families)
    assert "21 topologies" in text and "within budget" in text
    assert {path.name for path in tmp_path.iterdir()} == {"plain_pair.yaml", "space.yaml", "study.yaml"}


TIMED = Timings(start=5.0, setup=0.5, step=0.01, look=0.001, latency=1.0, first_export=8.0, export=3.0)


@pytest.fixture
def quick(monkeypatch):
    """Starting a worker and exporting, which take seconds, are not timed."""
    monkeypatch.setattr("blockspace.study.duration.time_worker_start", lambda: TIMED.start)
    monkeypatch.setattr("blockspace.study.duration.time_exports", lambda *_: (TIMED.first_export, TIMED.export))


def test_an_estimate_of_the_time(tmp_path, quick):
    resolved = resolve_study(tiny.write(tmp_path))
    text = StudyTimer.of(resolved).describe(resolved)
    assert "ms a step" in text and "the start about 5 s" in text and "3 exports about 14 s" in text and " 0.0 min" not in text


def test_the_estimate_counts_all_that_is_run(tmp_path):
    """Six trials of 200 images and 100 to watch, the best of three families and the baseline with two seeds each, three exports."""
    resolved = resolve_study(tiny.write(tmp_path))
    stages = {stage.words: stage.seconds for stage in plan_stages(resolved, TIMED, (200, 100, 300))}
    assert stages == pytest.approx({
        "the start": 5.0, "6 trials": 3 * (0.5 + 1.4 * (6 * 0.01 + 100 * 0.001)),
        "finals of 8 trainings": 4 * (0.5 + 1.4 * (9 * 0.01 + 300 * 0.001)), "3 exports": 14.0,
    })  # fmt: skip
    measured = resolve_study(tmp_path / "study.yaml", ["budget.latency.high=130%", "search.trials=3", "finalists.take=5"])
    stages = {stage.words: stage.seconds for stage in plan_stages(measured, TIMED, (200, 100, 300))}
    assert stages["3 latencies"] == 5.0 + 3 * 1.0 and list(stages) == [
        "the start", "3 latencies", "3 trials", "finals of 8 trainings", "3 exports",
    ]  # fmt: skip
    asked = resolve_study(tmp_path / "study.yaml", ["budget.latency={}", "compare.cheaper=latency"])
    stages = {stage.words: stage.seconds for stage in plan_stages(asked, TIMED, (200, 100, 300))}
    trial, final = 0.5 + 1.4 * (6 * 0.01 + 100 * 0.001), 0.5 + 1.4 * (9 * 0.01 + 300 * 0.001)
    assert stages["finals of 4 networks for their cost"] == pytest.approx(trial + 4 * final + 5.0 + 9 * 1.0)


def test_searches_are_counted_one_after_the_other(tmp_path):
    """Three trials on two workers take two turns, three times over; finals of three networks and the baseline, then twice of three."""
    resolved = resolve_study(tiny.write(tmp_path), ["search.repeats=3", "search.trials=3", "budget.latency.high=130%"])
    stages = {stage.words: stage.seconds for stage in plan_stages(resolved, TIMED, (200, 100, 300))}
    trial, final = 0.5 + 1.4 * (6 * 0.01 + 100 * 0.001), 0.5 + 1.4 * (9 * 0.01 + 300 * 0.001)
    assert stages == pytest.approx({
        "the start": 5.0, "9 latencies": 5.0 + 9 * 1.0, "9 trials in 3 searches": 3 * 2 * trial,
        "finals of 20 trainings": (4 + 3 + 3) * final, "3 exports": 14.0,
    })  # fmt: skip


def test_a_latency_is_timed_where_one_is_measured(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("blockspace.runtimes.measure_graphs", lambda *_, **options: seen.append(options))
    resolved = resolve_study(tiny.write(tmp_path))
    assert time_latency(resolved) == 0.0 and not seen
    assert time_latency(resolve_study(tmp_path / "study.yaml", ["budget.latency.high=130%"])) >= 0.0 and seen[0]["pairs"]


def test_the_estimate_looks_at_a_few_steps_only(tmp_path, monkeypatch, quick):
    from blockspace.training import Batches

    seen = []
    monkeypatch.setattr("blockspace.training.fitting.Batches", lambda split, *rest: seen.append(len(split)) or Batches(split, *rest))
    assert StudyTimer.of(resolve_study(tiny.write(tmp_path), ["data.train=1000", "train.batch=8"])).images == (1000, 100, 300)
    assert seen == [24, 24, 216]


def test_one_image_a_batch_is_refused_before_anything_is_trained(tmp_path):
    space = tiny.SPACE.replace("head: [global_avgpool,", "head: [global_avgpool, conv1x1: 8,")
    path = tiny.write(tmp_path)
    (tmp_path / "space.yaml").write_text(space)
    resolve_study(path)
    with pytest.raises(BlockspaceError, match="batch normalisation needs more than one value per channel: head") as caught:
        resolve_study(path, ["train.batch=1"])
    assert caught.value.mistakes[0].code == "E-BN-1X1"
    resolve_study(tiny.write(tmp_path), ["train.batch=1"])  # maps of more than one pixel


def test_a_choice_that_never_builds_is_refused_though_others_build(tmp_path):
    path = tiny.write(tmp_path)
    (tmp_path / "plain_pair.yaml").write_text(tiny.MINE.replace("flow:", "require: [width % 100 == 0]\nflow:"))
    for check in (lambda: resolve_study(path).budgeted_space.check_reachable(), lambda: run_check(str(tmp_path / "space.yaml"))):
        with pytest.raises(BlockspaceError, match="'width % 100 == 0' does not hold") as caught:
            check()
        assert caught.value.mistakes[0].mark.source.path.endswith("plain_pair.yaml")


def test_a_choice_outside_the_budget_is_refused_with_the_nearest_cost(tmp_path):
    path = tiny.write(tmp_path)
    (tmp_path / "plain_pair.yaml").write_text(tiny.MINE.replace("conv1x1: out_channels", "conv9x9: 256\n  - conv1x1: out_channels"))
    with pytest.raises(InfeasibleError, match="nothing in tiny with block mine meets macs .*; nearest reachable: "):
        resolve_study(path).budgeted_space.check_reachable()


def test_what_does_not_come_into_the_budget_is_listed(tmp_path):
    resolved = resolve_study(tiny.write(tmp_path), ["budget.macs.low=99.9%", "budget.macs.high=100%"])
    text = dry_run_text(resolved, draw_families(resolved, samples=30))
    assert "of 30 draws do not come into the budget:" in text and "the nearest has" in text
