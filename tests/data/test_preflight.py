"""Preflight: damaged files, bombs, labels, doubles and leaks are found before anything is trained (faults D1 to D5)."""

from __future__ import annotations

import os
import struct
import zlib

import numpy
import pytest
from data import tiny_sets
from PIL import Image

from blockspace.data import decode, inspection, kept_preflight, load, preflight, scan
from blockspace.errors import BlockspaceError


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLOCKSPACE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pets(tmp_path):
    for name, count in (("cat", 60), ("dog", 60)):
        for i in range(count):
            tiny_sets.picture(tmp_path / "pets" / name / f"{i:03}.jpg", (12, 10))
    return tmp_path / "pets"


def mistake(spec):
    with pytest.raises(BlockspaceError) as caught:
        preflight(spec)
    (found,) = caught.value.mistakes
    assert caught.value.exit_code == 2
    return found


def bomb(path, side=20_000):
    """A PNG of a few bytes that says it has 20,000 x 20,000 pixels."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""))


def test_a_sound_set_is_one_line(pets):
    found = preflight({"folder": str(pets)})
    assert found.lines() == ["data: pets: 84 train, 12 val, 24 test; 2 classes, 3x10x12"] and found.notes() == []
    assert found.per_class == {"train": [42, 42], "val": [6, 6], "test": [12, 12]} and found.digest == load({"folder": str(pets)}).digest
    assert found.table()[1].split() == ["cat", "42", "6", "12"]


def test_damaged_images_are_named_with_what_is_wrong(pets):
    """A JPEG whose second half is missing passes PIL's own `verify`."""
    whole = pets / "cat" / "003.jpg"
    whole.write_bytes(whole.read_bytes()[:-60])
    Image.open(whole).verify()
    (pets / "dog" / "001.jpg").write_bytes(b"")
    (pets / "dog" / "002.jpg").write_text("<html>404</html>")
    found = mistake({"folder": str(pets)})
    assert found.code == "E-DATA" and found.message.startswith("3 images cannot be read: ")
    assert "003.jpg (image file is truncated" in found.message and "001.jpg (not an image)" in found.message
    assert "on_bad_sample: skip" in found.help


@pytest.mark.parametrize("side", [10_000, 20_000])
def test_a_decompression_bomb_is_a_damaged_image(pets, side):
    bomb(pets / "cat" / "bomb.png", side)
    found = mistake({"folder": str(pets)})
    assert found.code == "E-DATA" and "bomb.png (decompression bomb: " in found.message


def test_one_damaged_image_may_always_be_skipped(pets, tmp_path):
    bomb(pets / "cat" / "bomb.png")
    assert mistake({"folder": str(pets)}).help == "repair or remove them, or set on_bad_sample: skip"
    found = preflight({"folder": str(pets), "on_bad_sample": "skip"})
    assert list(found.skipped) == ["cat/bomb.png"] and sum(found.counts.values()) == 120
    assert found.notes()[0].startswith("data: 1 file cannot be read and is left out: cat/bomb.png (")
    found.write(tmp_path)
    assert kept_preflight(tmp_path) == found


@pytest.mark.parametrize("count", [2, 7, 35, 60])
def test_the_advice_on_more_damaged_images_works(pets, count):
    """The share that is advised, rounded up to whole percents, is always enough."""
    for index in range(count):
        (pets / "cat" / f"{index:03}.jpg").write_bytes(b"no picture")
    advice = mistake({"folder": str(pets)}).help
    share = advice.rpartition("bad_share: ")[2]
    assert advice == f"repair or remove them, or set on_bad_sample: skip and bad_share: {share}"
    assert f"set bad_share: {share}" in mistake({"folder": str(pets), "on_bad_sample": "skip"}).help
    found = preflight({"folder": str(pets), "on_bad_sample": "skip", "bad_share": share})
    assert len(found.skipped) == count and sum(found.counts.values()) == 120 - count


def test_a_share_that_is_none(pets):
    for share in ("much", 2, -1, "200%", True):
        assert mistake({"folder": str(pets), "bad_share": share}).code == "E-TYPE"


def test_a_part_without_one_image_that_can_be_read(tmp_path):
    for i in range(60):
        tiny_sets.picture(tmp_path / "pets" / "train" / ("cat", "dog")[i % 2] / f"{i:03}.jpg", (12, 10))
    for name in ("cat", "dog"):
        (tmp_path / "pets" / "test" / name).mkdir(parents=True)
        bomb(tmp_path / "pets" / "test" / name / "bomb.png")
    for more in ({}, {"on_bad_sample": "skip", "bad_share": 0.1}):
        found = mistake({"folder": str(tmp_path / "pets"), **more})
        assert found.code == "E-DATA" and found.help == "repair or remove them: no image of test can be read"


def test_a_lazy_set_is_scanned_too(pets, monkeypatch):
    monkeypatch.setattr(decode, "IN_MEMORY", 1000)
    bomb(pets / "cat" / "bomb.png")
    assert "bomb.png" in mistake({"folder": str(pets)}).message


def test_what_is_missing_is_said_before_anything_else(tmp_path, monkeypatch):
    assert mistake({"cifar10": {"root": str(tmp_path)}}).code == "E-DATA"
    assert mistake({"folder": str(tmp_path / "no")}).code == "E-DATA"

    def refused(*_args, **_more):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("urllib.request.urlopen", refused)
    found = mistake({"svhn": {"root": str(tmp_path), "download": True}})
    assert found.code == "E-DATA" and "svhn could not be downloaded" in found.message and "Network is unreachable" in found.message


@pytest.mark.parametrize(("label", "hint"), [(-1, "-1 usually marks"), (10, "1 of 30 images"), (-100, "-100 usually marks")])
def test_labels_out_of_range(tmp_path, monkeypatch, label, hint):
    labels = numpy.arange(30) % 10
    labels[4] = label
    images = numpy.random.default_rng(0).integers(0, 256, (30, 1, 4, 4), dtype=numpy.uint8)
    monkeypatch.setattr("blockspace.data.custom.call_function", lambda *_: {"train": (images, labels), "classes": range(10)})
    found = mistake({"python": f"anything:label{abs(label)}"})
    assert found.code == "E-LABEL" and f"labels run from {min(label, 0)} to {max(label, 9)}, expected 0 to 9" in found.message
    assert hint in found.help


def test_doubles_leaks_and_contradictions_are_counted(tmp_path):
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            for i in range(20):
                tiny_sets.picture(tmp_path / part / name / f"{i}.png", (8, 8))
    one = (tmp_path / "train" / "cat" / "0.png").read_bytes()
    (tmp_path / "train" / "cat" / "copy.png").write_bytes(one)
    (tmp_path / "test" / "cat" / "leak.png").write_bytes(one)
    (tmp_path / "train" / "dog" / "wrong.png").write_bytes((tmp_path / "train" / "cat" / "1.png").read_bytes())
    found = preflight({"folder": str(tmp_path), "val": 8})
    assert (found.repeated, found.leaked, found.contradictory) == (2, 1, 1)
    assert [note.removeprefix("data: ") for note in found.notes()] == [
        "1 of 41 test images (2.44%) is also in train or val",
        "2 images of train and val are copies of another; copies are never in both",
        "1 image occurs with more than one label",
    ]


def test_classes_far_apart_in_size(tmp_path):
    for name, count in (("common", 90), ("rare", 6)):
        for i in range(count):
            tiny_sets.picture(tmp_path / "things" / name / f"{i}.png", (8, 8))
    (note,) = preflight({"folder": str(tmp_path / "things")}).notes()
    assert "common has 64 train images, rare 4" in note
    (note,) = preflight({"folder": str(tmp_path / "things"), "train": 5, "val": 1, "test": 1}).notes()
    assert "1 class has no train image: rare" in note


def test_an_unchanged_set_is_looked_at_once(pets, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    first = preflight({"folder": str(pets)}, folder)
    first.write(folder)
    monkeypatch.setattr(inspection, "inspect_data", lambda spec: pytest.fail("looked again"))
    assert preflight({"folder": str(pets)}, folder) == first
    monkeypatch.undo()
    os.utime(pets / "cat" / "000.jpg", (1, 1))
    looked = []
    monkeypatch.setattr(inspection, "inspect_data", lambda spec: looked.append(spec) or first)
    preflight({"folder": str(pets)}, folder)
    preflight({"folder": str(pets), "size": 8}, folder)
    assert len(looked) == 2


def test_a_second_scan_reads_only_what_changed(pets, monkeypatch):
    files = sorted(pets.rglob("*.jpg"))
    first = scan.scan_files(files)
    changed = files[7]
    tiny_sets.picture(changed, (12, 10))
    read = []
    real = scan.inspect_file
    monkeypatch.setattr(scan, "inspect_file", lambda name: read.append(name) or real(name))
    second = scan.scan_files(files)
    assert read == [str(changed)] and [a == b for a, b in zip(first.hashes, second.hashes)].count(False) == 1
    (scan.cache_folder() / "scans").rename(scan.cache_folder() / "gone")
    assert scan.scan_files(files).hashes == second.hashes


def test_decoded_images_are_shared_by_a_file(pets):
    before = load({"folder": str(pets)})
    (kept,) = (scan.cache_folder() / "pixels").iterdir()
    content = kept.read_bytes()
    again = load({"folder": str(pets)})
    assert again.digest == before.digest and (again.train.images == before.train.images).all()
    again.train.images.zero_()
    assert kept.read_bytes() == content, "what one process does to its images stays its own"
    kept.write_bytes(content[:100])
    assert load({"folder": str(pets)}).train.mean == before.train.mean


def test_a_cache_that_cannot_be_written_is_done_without(pets, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BLOCKSPACE_CACHE", str(tmp_path / "file" / "below"))
    assert preflight({"folder": str(pets)}).counts["train"] == 84


def leave_homeless(monkeypatch):
    """Leave this process without HOME and without a name for its user id."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "BLOCKSPACE_CACHE", "BLOCKSPACE_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_home_nothing_is_cached(pets, monkeypatch, tmp_path):
    leave_homeless(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert scan.cache_folder() is None and preflight({"folder": str(pets)}).counts["train"] == 84
    assert preflight("digits").counts["train"] == 500
    assert "cifar10 is not on this machine; looked in data for" in mistake("cifar10").message
    monkeypatch.setattr(decode, "IN_MEMORY", 1000)
    assert preflight({"folder": str(pets)}).counts["train"] == 84
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets"], "no folder called ~"


def test_a_full_cache_is_done_without(pets, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("os.replace", full)
    assert preflight({"folder": str(pets)}).counts["train"] == 84
    assert not [path for path in scan.cache_folder().rglob("*") if path.is_file()]


def copy_picture(folder, names, count, colour=77):
    for name in names:
        for i in range(count):
            path = folder / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (colour, 0, 0)).save(path)


def test_copies_of_one_image_cannot_be_split(tmp_path):
    copy_picture(tmp_path / "alike", ("a", "b"), 20)
    found = mistake({"folder": str(tmp_path / "alike")})
    assert found.message == (
        "alike: 20 of 20 images of a, 20 of 20 images of b are copies of one image; no image is left for test and train"
    )
    copy_picture(tmp_path / "each", ("a",), 20, 1)
    copy_picture(tmp_path / "each", ("b",), 20, 2)
    assert "images of a, 20 of 20 images of b are copies of one image each; " in mistake({"folder": str(tmp_path / "each")}).message


def test_a_class_of_copies_is_said(tmp_path):
    copy_picture(tmp_path / "pets", ("a",), 20)
    for name in ("b", "c"):
        for i in range(20):
            tiny_sets.picture(tmp_path / "pets" / name / f"{i}.png", (8, 8))
    notes = preflight({"folder": str(tmp_path / "pets")}).notes()
    assert "data: 20 of 20 images of a are copies of one image" in notes and "data: 1 class has no train image: a" in notes
    for path in (tmp_path / "pets" / "c").iterdir():
        path.unlink()
    (tmp_path / "pets" / "c").rmdir()
    assert "of a are copies of one image; train is left with one class" in mistake({"folder": str(tmp_path / "pets")}).message


@pytest.mark.parametrize(("count", "sizes"), [(1, {}), (2, {"val": 3, "test": 1}), (5, {"train": 9, "val": 9}), (3, {"val": 0})])
def test_too_few_images_for_a_split(tmp_path, count, sizes):
    for name in ("a", "b"):
        for i in range(count):
            tiny_sets.picture(tmp_path / "few" / name / f"{i}.png", (8, 8))
    found = mistake({"folder": str(tmp_path / "few"), **sizes})
    assert found.code in ("E-DATA", "E-TYPE") and ("needs" in found.message or "greater than or equal to 1" in found.message), found


def test_one_image_a_class(tmp_path):
    for i in range(10):
        tiny_sets.picture(tmp_path / "one" / f"c{i}" / "0.png", (8, 8))
    found = preflight({"folder": str(tmp_path / "one")})
    assert found.counts == {"train": 7, "val": 1, "test": 2} and "3 classes have no train image" in found.notes()[0]
