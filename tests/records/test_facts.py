"""Facts of a training: what they say, what they hide, and their file."""

from __future__ import annotations

import json

import pytest

from blockspace.errors import BlockspaceError
from blockspace.files import FACTS
from blockspace.formatting import hide_path, hide_paths, is_absolute
from blockspace.records import TrainingFacts, read_facts_file

FULL = TrainingFacts(
    network="n", key="v3:1", source="run#3", study="s", question="Which?", input=(3, 8, 8), mean=(0.5,), std=(0.25,),
    classes=("ant", "bee"),
    data={"folder": "/home/ada/my images", "options": {"root": "~ada/x", "n": 3}}, images={"test": 1200}, trained_on="train split",
    recipe={"epochs": 3, "batch": 16, "optimizer": {"sgd": {"lr": 0.1, "nesterov": False}}, "augment": [{"crop": {"padding": 2}}]},
    results={"val_acc": 0.5, "val_loss": 1.0, "test_acc": 0.25}, seeds=2, seed=7, note="", versions={"machine": "Linux"},
)  # fmt: skip


def test_what_is_said():
    assert FULL.lines() == {
        "input": "3x8x8; pixels in 0..1, minus 0.5, divided by 0.25 (per channel, of the training images)",
        "classes": "ant, bee",
        "key": "v3:1",
        "trained on": "my images, train split, 3 epochs",
        "recipe": "batch 16; optimizer sgd (lr 0.1); augment crop (padding 2)",
        "validation": "accuracy 0.5000, log-loss 1.0000 nats",
        "test": "accuracy 0.2500 (means over 2 seeds, 1,200 images)",
        "weights": "of the first of 2 seeds, which was not chosen by its test score",
        "trained as": "run#3, study s",
        "versions": "machine Linux",
    }
    assert "values as the data gives them" in FULL.model_copy(update={"pixels": "given"}).lines()["input"]
    assert TrainingFacts(classes=tuple(map(str, range(300)))).lines()["classes"].endswith("99 and 200 more, in facts.json")
    assert TrainingFacts(study="\x1b[2J\nx", source="\x07y").lines()["trained as"] == "y, study [2J x"


def test_the_file_is_read_as_it_was_written_and_holds_no_path(tmp_path):
    (tmp_path / FACTS).write_text(FULL.to_json())
    found = read_facts_file(tmp_path)
    assert found == FULL.model_copy(update={"data": {"folder": "my images", "options": {"root": "x", "n": 3}}})
    assert "ada" not in FULL.to_json() + json.dumps(FULL.metadata())
    assert read_facts_file(tmp_path / "none") is None
    (tmp_path / FACTS).write_text(FULL.to_json().replace("{", '{"a key of a later version": 1,', 1))
    assert read_facts_file(tmp_path) == found, "keys of later versions are passed over"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("[" * 200_000, "recursion"),
        ("[]", "list indices"),
        ('{"format": "blockspace/facts/9"}', "format 'blockspace/facts/9'"),
        ('{"format": "blockspace/facts/1", "mean": "x"}', "mean: Input should be a valid"),
        ('{"format": "blockspace/facts/1", "results": {"val_acc": NaN}}', "results.val_acc"),
        (b"\xff\xfe", "Expecting value"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, text, words):
    (tmp_path / FACTS).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BlockspaceError) as caught:
        read_facts_file(tmp_path)
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-FILE" and words in mistake.message and "\n" not in mistake.message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ada/x.png: cannot be read", "x.png: cannot be read"),
        ("in '/home/ada/runs/a#3', out=/tmp/b/c,", "in 'a#3', out=c,"),
        ("~ada/x/y and C:\\Users\\ada\\x.png", "y and x.png"),
        ("file:///home/ada/i", "i"),
        ("1/2 of a/b, and/or ../c/d, https://arxiv.org/abs/1 3 / 4", "1/2 of a/b, and/or ../c/d, https://arxiv.org/abs/1 3 / 4"),
    ],
)
def test_absolute_paths_in_texts_are_reduced_to_their_names(text, shown):
    assert hide_paths(text) == shown and hide_paths(shown) == shown


def test_a_setting_is_a_path_as_a_whole():
    assert hide_path("/home/ada/my images/") == "my images" and hide_path("images/a") == "images/a" and hide_path("~/x y") == "x y"
    assert is_absolute("\\\\host\\share") and not is_absolute("cifar10")
