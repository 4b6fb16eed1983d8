"""Images in class folders: splits, sizes, damaged files, and sets too large for memory."""

import numpy
import pytest
import torch
from PIL import Image

from blockspace.data import check_data, decode, describe, load
from blockspace.errors import BlockspaceError
from blockspace.training import Batches, read_recipe

CLASSES = ("cat", "dog", "owl")


def write_images(folder, counts, size=(12, 10), mode="RGB", seed=0):
    random = numpy.random.default_rng(seed)
    for name, count in zip(CLASSES, counts):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            shape = (size[1], size[0]) + ((3,) if mode == "RGB" else ())
            Image.fromarray(random.integers(0, 256, shape, dtype=numpy.uint8)).save(folder / name / f"{index:03}.png")


@pytest.fixture
def pets(tmp_path):
    write_images(tmp_path / "pets", (30, 20, 10))
    return tmp_path / "pets"


def raises(spec, message):
    with pytest.raises(BlockspaceError) as caught:
        load(spec)
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-DATA" and message in mistake.message, mistake
    return mistake


def test_one_level_of_classes_is_split_by_content(pets):
    data = load({"folder": str(pets)})
    assert data.counts == {"train": 42, "val": 6, "test": 12, "doubles": 0} and data.classes == CLASSES and data.name == "pets"
    assert data.val.labels.bincount().tolist() == [3, 2, 1] and data.final_split()[1].labels.bincount().tolist() == [6, 4, 2]
    assert data.input_shape == (3, 10, 12) and tuple(describe({"folder": str(pets)})) == ((3, 10, 12), 3)
    assert data.digest == load({"folder": str(pets)}).digest


def test_a_folder_is_checked_without_being_loaded(pets):
    check_data({"folder": str(pets)})
    for folder in (pets.parent / "gone", pets / "cat"):
        with pytest.raises(BlockspaceError) as caught:
            check_data({"folder": str(folder)})
        assert [mistake.code for mistake in caught.value.mistakes] == ["E-DATA"] and folder.name in str(caught.value)


def test_size_channels_and_counts_are_options(pets):
    spec = {"folder": str(pets), "size": 8, "channels": 1, "train": 30, "val": 12, "test": 6}
    data = load(spec)
    assert data.counts == {"train": 30, "val": 12, "test": 6, "doubles": 0} and data.input_shape == (1, 8, 8) == describe(spec).input_shape


def test_given_parts_are_kept_and_doubles_counted(tmp_path):
    write_images(tmp_path / "train", (10, 10, 10))
    write_images(tmp_path / "test", (4, 4, 4), seed=1)
    (tmp_path / "test" / "cat" / "same.png").write_bytes((tmp_path / "train" / "cat" / "000.png").read_bytes())
    data = load({"folder": str(tmp_path), "val": 6})
    assert data.counts == {"train": 24, "val": 6, "test": 13, "doubles": 1}
    write_images(tmp_path / "val", (2, 2, 2), seed=2)
    assert load({"folder": str(tmp_path)}).counts == {"train": 30, "val": 6, "test": 13, "doubles": 1}


def test_a_double_never_spans_two_parts(pets):
    for index in range(10):
        content = (pets / "cat" / f"{index:03}.png").read_bytes()
        for copy in "abc":
            (pets / "cat" / f"copy_{index}{copy}.png").write_bytes(content)
    data = load({"folder": str(pets)})
    parts = [{image.numpy().tobytes() for image in split.images} for split in (*data.search_split(), data.final_split()[1])]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2] and data.counts["doubles"] == 0


def test_missing_empty_and_odd_folders(pets, tmp_path):
    assert "one folder of images per class" in raises({"folder": str(tmp_path / "no")}, "does not exist").help
    (pets / "ant").mkdir()
    raises({"folder": str(pets)}, "no images in 1 class folder of")
    with pytest.raises(BlockspaceError):
        describe({"folder": str(pets)})
    raises({"folder": str(pets / "cat")}, "contains 0 class folders,")
    write_images(tmp_path / "parts" / "train", (5, 5, 5))
    write_images(tmp_path / "parts" / "test", (5, 5))
    data = load({"folder": str(tmp_path / "parts"), "val": 3})
    assert data.final_split()[1].labels.bincount(minlength=3).tolist() == [5, 5, 0]


def damage(pets, count):
    for index in range(count):
        path = pets / "dog" / f"{index:03}.png"
        path.write_bytes(path.read_bytes()[:40])


def test_unreadable_images_are_named(pets):
    damage(pets, 5)
    message = raises({"folder": str(pets)}, "5 images cannot be read").message
    assert "000.png (not an image)" in message and "002.png (not an image) and 2 more" in message and "003.png" not in message


def test_what_does_not_fit_into_memory_is_decoded_when_used(pets, monkeypatch):
    small = load({"folder": str(pets)})
    monkeypatch.setattr(decode, "IN_MEMORY", 1000)
    large = load({"folder": str(pets)})
    assert large.digest == small.digest and large.counts == small.counts and large.train.mean == small.train.mean
    assert not isinstance(large.train.images, torch.Tensor)
    sixteen = read_recipe({"batch": 16})
    for here, there in zip(Batches(small.train, sixteen, 3), Batches(large.train, sixteen, 3), strict=True):
        assert torch.equal(here[0], there[0]) and torch.equal(here[1], there[1])
    assert len(large.final_split()[0]) == 48
    damage(pets, 4)
    raises({"folder": str(pets)}, "4 images cannot be read")


def test_grey_images_have_one_channel(tmp_path):
    write_images(tmp_path, (5, 5, 5), mode="L")
    assert load({"folder": str(tmp_path), "val": 3, "test": 3}).input_shape == (1, 10, 12)
