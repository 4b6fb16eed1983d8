"""Train and validation cut once more for another search: the same images, sizes and classes, another order, never a test image."""

from __future__ import annotations

from collections import Counter

import numpy
import pytest

from blockspace.data import load, preflight, read_spec
from blockspace.data.data import open_source
from blockspace.data.partition import partition_indices, reorder_keys

SPEC = {"name": "digits", "train": 300, "val": 100, "test": 200}


def images(split):
    return Counter(image.numpy().tobytes() for image in split.images)


def test_another_cut_of_the_same_images():
    first, again, other = load(SPEC), load(SPEC, 5), load(SPEC, 6)
    assert (len(again.train), len(again.val)) == (300, 100) and again.counts == first.counts and again.digest == first.digest
    assert images(again.train) + images(again.val) == images(first.train) + images(first.val)
    assert images(again.val) != images(first.val) != images(other.val) != images(again.val)
    assert images(load(SPEC, 5).val) == images(again.val), "a function of the seed"
    assert (again.train.mean, again.val.std) == (first.train.mean, first.train.std)
    for one in (again, other):
        assert images(one.final_split()[1]) == images(first.final_split()[1])
        assert max(abs(numpy.bincount(one.val.labels) - numpy.bincount(first.val.labels))) <= 1


def test_images_keep_their_labels():
    splits = load(SPEC).search_split()
    labels = {image.numpy().tobytes(): int(label) for split in splits for image, label in zip(split.images, split.labels)}
    again = load(SPEC, 1)
    for split in again.search_split():
        assert all(labels[image.numpy().tobytes()] == int(label) for image, label in zip(split.images, split.labels))


def test_copies_stay_together_in_every_cut():
    keys = [bytes([number // 2] * 16) for number in range(200)]  # every image twice
    labels = [number // 20 % 10 for number in range(200)]
    for seed in range(20):
        cut = partition_indices(reorder_keys(keys, seed), labels, {"val": 50, "train": None})
        val, train = ({keys[i] for i in cut[name]} for name in ("val", "train"))
        assert not val & train and len(cut["val"]) + len(cut["train"]) == 200
    assert len(set(reorder_keys(keys, 0))) == 100 and reorder_keys(keys, 0) != reorder_keys(keys, 1)


def test_a_validation_part_that_the_data_brings_is_never_cut(tmp_path):
    from PIL import Image

    for part, count in (("train", 12), ("val", 4), ("test", 4)):
        for label in ("a", "b"):
            folder = tmp_path / part / label
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("L", (8, 8), hash((part, label, number)) % 251).save(folder / f"{number}.png")
    spec = {"folder": str(tmp_path)}
    first, again = load(spec), load(spec, 3)
    assert images(first.val) == images(again.val) and images(first.train) == images(again.train)
    assert preflight(spec).has_one_validation_split and not preflight(SPEC).has_one_validation_split


@pytest.mark.parametrize("given", [None, ("train",)])
def test_an_earlier_preflight_that_does_not_say_it_is_made_again(tmp_path, given, monkeypatch):
    import json

    from blockspace.data import kept_preflight

    look = preflight(SPEC, tmp_path)
    look.write(tmp_path)
    path = tmp_path / "preflight.json"
    content = json.loads(path.read_text())
    assert content["given"] == ["train"]
    if given is None:
        del content["given"]
        path.write_text(json.dumps(content))
    read = []
    monkeypatch.setattr("blockspace.data.inspection.inspect_data", lambda spec: read.append(spec) or look)
    assert kept_preflight(tmp_path).given == given
    assert preflight(SPEC, tmp_path).given == ("train",) and len(read) == (given is None)


def test_the_source_is_asked_for_its_own_parts():
    source, _ = open_source(read_spec(SPEC))
    assert tuple(source.pools) == ("train",)
