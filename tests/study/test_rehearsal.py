"""The rehearsal says what a study would do, and writes nothing."""

from __future__ import annotations

from pathlib import Path

from study import tiny

from blockspace.study import ask, rehearse
from blockspace.study.rehearsal import measured, report


def test_families_sizes_and_shares(tmp_path, monkeypatch):
    question = ask(tiny.write(tmp_path))
    families = rehearse(question, samples=12)
    assert [f.name for f in families] == ["hs", "resnext", "mine"]
    assert all(f.samples == 12 and 0 <= f.share <= 1 for f in families)
    text = report(question, families)
    assert "21 topologies" in text and "within budget" in text
    assert {path.name for path in tmp_path.iterdir()} == {"plain_pair.yaml", "space.yaml", "study.yaml"}


def test_an_estimate_of_the_time(tmp_path):
    assert "ms a step" in measured(ask(tiny.write(tmp_path)))


def test_the_shipped_study_reaches_its_budget():
    question = ask(Path(__file__).parents[2] / "studies" / "hs_vs_resnext.yaml")
    families = rehearse(question, samples=40)
    assert all(f.share >= 0.95 for f in families)
    means = [sum(f.after) / len(f.after) for f in families]
    assert max(means) / min(means) <= 1.01
