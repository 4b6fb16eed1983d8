"""The rehearsal says what a study would do, and writes nothing."""

from __future__ import annotations

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


def test_the_estimate_looks_at_a_few_steps_only(tmp_path, monkeypatch):
    from blockspace.train import Batches

    seen = []
    monkeypatch.setattr("blockspace.train.fitting.Batches", lambda split, *rest: seen.append(len(split)) or Batches(split, *rest))
    assert "ms a step" in measured(ask(tiny.write(tmp_path), ["data.train=1000", "train.batch=8"]))
    assert seen == [24, 24, 216]


def test_one_image_a_batch_is_refused_before_anything_is_trained(tmp_path):
    import pytest

    from blockspace.errors import BlockspaceError

    space = tiny.SPACE.replace("head: [global_avgpool,", "head: [global_avgpool, conv1x1: 8,")
    path = tiny.write(tmp_path)
    (tmp_path / "space.yaml").write_text(space)
    ask(path)
    with pytest.raises(BlockspaceError, match="batch normalisation needs more than one value per channel: head") as caught:
        ask(path, ["train.batch=1"])
    assert caught.value.mistakes[0].code == "E-BN-1X1"
    ask(tiny.write(tmp_path), ["train.batch=1"])  # maps of more than one pixel
