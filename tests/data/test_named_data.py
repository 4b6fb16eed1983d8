"""Data sets of the catalogue: sizes, stratification, digests, and what is said when they are missing or damaged."""

import gzip
import hashlib
import pickle
import struct

import numpy
import pytest
import torch

from blockspace.data import check_data, describe, load
from blockspace.data.partition import hash_contents, partition_indices
from blockspace.errors import BlockspaceError

DIGITS = "9b3847a04a361047a544f36561d191246097315daaee66d4c357813954f48d66"


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def write_idx(path, values):
    head = b"\x00\x00\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    opened = gzip.open(path, "wb") if path.suffix == ".gz" else open(path, "wb")
    with opened as file:
        file.write(head + values.astype(numpy.uint8).tobytes())


@pytest.fixture
def fashion(tmp_path):
    """A folder like Debian's: 200 + 50 random images, 10 classes."""
    random = numpy.random.default_rng(0)
    for prefix, count in (("train", 200), ("t10k", 50)):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", random.integers(0, 256, (count, 28, 28)))
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", numpy.arange(count) % 10)
    return tmp_path


def raises(spec, code, message):
    with pytest.raises(BlockspaceError) as caught:
        load(spec)
    (mistake,) = caught.value.mistakes
    assert mistake.code == code and message in mistake.message, mistake
    return mistake.help or ""


def test_digits_are_500_400_897_and_stay_what_they_are(digits):
    assert digits.counts == {"train": 500, "val": 400, "test": 897, "doubles": 0}
    assert digits.input_shape == (1, 16, 16) == tuple(digits.train.images.shape[1:])
    assert (digits.input_shape, len(digits.classes)) == tuple(describe("digits"))
    assert digits.digest == DIGITS == load({"name": "digits"}).digest
    assert digits.train.images.dtype == torch.uint8 and digits.train.labels.dtype == torch.int64


def test_digits_are_stratified_and_disjoint(digits):
    (train, val), (both, test) = digits.search_split(), digits.final_split()
    assert len(both) == 900 and torch.equal(both.images[:500], train.images) and both.mean == train.mean == test.mean
    whole = sum(split.labels.bincount() for split in (train, val, test)).double() / 1797
    for split in (train, val, test):
        assert (split.labels.bincount() - whole * len(split)).abs().max() < 2
    images = [image.numpy().tobytes() for split in (train, val, test) for image in split.images]
    assert len(set(images)) == len(images)


def test_the_test_split_is_not_lying_about(digits):
    assert not any("test" in name for name in vars(digits) if not name.startswith("_")) and "_test" not in repr(digits)


def test_another_seed_is_another_split_and_another_digest(digits):
    other = load({"name": "digits", "seed": 1})
    assert other.digest != digits.digest and other.counts == digits.counts
    small = load({"name": "digits", "train": 50, "val": 30, "test": 20, "size": 8})
    assert small.counts == {"train": 50, "val": 30, "test": 20, "doubles": 0} and small.input_shape == (1, 8, 8)


def test_normalised_images_have_mean_0_and_deviation_1(digits):
    seen = digits.train.normalized(digits.train.images)
    assert abs(seen.mean()) < 1e-3 and abs(seen.std() - 1) < 1e-3


def test_fashion_mnist_from_gzipped_idx_files(fashion):
    data = load({"name": "fashion_mnist", "path": str(fashion), "val": 50})
    assert data.counts == {"train": 150, "val": 50, "test": 50, "doubles": 0} and data.input_shape == (1, 28, 28)
    assert data.train.labels.bincount().tolist() == [15] * 10 and data.classes[9] == "ankle boot"
    small = load({"name": "fashion_mnist", "path": str(fashion), "train": 20, "val": 50, "test": 10, "size": 14})
    assert small.counts == {"train": 20, "val": 50, "test": 10, "doubles": 0} and small.input_shape == (1, 14, 14)


def test_fashion_mnist_in_torchvisions_layout_by_the_environment(fashion, tmp_path, monkeypatch):
    raw = tmp_path / "root" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for path in fashion.glob("*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    monkeypatch.setenv("BLOCKSPACE_DATA", str(tmp_path / "root"))
    assert load({"name": "fashion_mnist", "val": 50}).digest == load({"name": "fashion_mnist", "path": str(fashion), "val": 50}).digest


def test_a_missing_data_set_says_where_it_looked_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("BLOCKSPACE_DATA", raising=False)
    help = raises({"name": "fashion_mnist", "path": str(tmp_path)}, "E-DATA", f"fashion_mnist is not on this machine; looked in {tmp_path}")
    assert "apt-get install dataset-fashion-mnist" in help and "download: true" in help
    with pytest.raises(BlockspaceError, match="is not on this machine"):
        check_data({"name": "fashion_mnist", "path": str(tmp_path)})
    check_data({"name": "fashion_mnist", "path": str(tmp_path), "download": True})


def test_where_it_is_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BLOCKSPACE_DATA", str(tmp_path / "sets"))
    monkeypatch.chdir(tmp_path)
    assert "root: FOLDER" in raises("cifar10", "E-DATA", f"looked in {tmp_path / 'sets'}, data for cifar-10-batches-py")
    (tmp_path / "data" / "cifar-10-batches-py").mkdir(parents=True)
    raises("cifar10", "E-DATA", "CIFAR10 in data cannot be read: Dataset not found or corrupted")
    raises({"cifar10": {"root": str(tmp_path)}}, "E-DATA", f"looked in {tmp_path} for")


def test_a_download_that_fails_is_one_line(monkeypatch, tmp_path):
    import torchvision

    def refuse(**arguments):
        assert arguments["download"] is True
        raise OSError("no network")

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", refuse)
    spec = {"name": "fashion_mnist", "path": str(tmp_path), "download": True}
    raises(spec, "E-DATA", f"fashion_mnist could not be downloaded to {tmp_path}: no network")


SHORT = gzip.compress(b"\x00\x00\x08\x01\x00\x00\x00\x09\x01", mtime=0)  # says nine labels and holds one


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b torn", SHORT], ids=["empty", "torn", "short"])
def test_a_damaged_idx_file_is_named(fashion, damage):
    (fashion / "t10k-labels-idx1-ubyte.gz").write_bytes(damage)
    raises({"name": "fashion_mnist", "path": str(fashion), "val": 50}, "E-DATA", "t10k-labels-idx1-ubyte.gz is not a whole idx file")


def test_a_missing_idx_file_is_named(fashion):
    (fashion / "t10k-labels-idx1-ubyte.gz").unlink()
    raises({"name": "fashion_mnist", "path": str(fashion), "val": 50}, "E-DATA", "t10k-labels-idx1-ubyte is missing")


def test_labels_outside_the_classes(fashion):
    write_idx(fashion / "train-labels-idx1-ubyte.gz", numpy.arange(200) % 12)
    spec = {"name": "fashion_mnist", "path": str(fashion), "val": 50}
    raises(spec, "E-LABEL", "fashion_mnist train: labels run from 0 to 11, expected 0 to 9 for 10 classes")


def test_a_split_larger_than_the_data(fashion):
    raises(
        {"name": "fashion_mnist", "path": str(fashion)}, "E-DATA", "a split into 10000 val + rest train needs 10,001 images, there are 200"
    )


def test_an_unknown_name_and_a_wrong_option():
    assert "did you mean 'digits'?" in raises("digit", "E-DATA", "unknown data set 'digit'")
    assert "did you mean 'train'?" in raises({"name": "digits", "trian": 5}, "E-KEY", "data: unknown key 'trian'")
    raises({"name": "digits", "folder": "x"}, "E-TYPE", "data: give either a name, a folder, or python: package.module:function")
    raises({}, "E-TYPE", "data: give either a name, a folder, or python: package.module:function")
    raises(3, "E-TYPE", "data: should be a")


@pytest.mark.parametrize(("name", "fine"), [("CIFAR10", "labels"), ("CIFAR100", "fine_labels")])
def test_cifar_through_torchvision(name, fine, tmp_path, monkeypatch):
    import torchvision

    cls = getattr(torchvision.datasets, name)
    classes = int(name[5:])
    folder = tmp_path / cls.base_folder
    folder.mkdir()
    check_data({"name": name.lower(), "path": str(tmp_path)})
    random = numpy.random.default_rng(0)

    def write(file, content):
        (folder / file).write_bytes(pickle.dumps(content))
        return [file, hashlib.md5((folder / file).read_bytes()).hexdigest()]

    def part(count):
        return {"data": random.integers(0, 256, (count, 3072), dtype=numpy.uint8), fine: [i % classes for i in range(count)]}

    monkeypatch.setattr(cls, "train_list", [write("a", part(300))])
    monkeypatch.setattr(cls, "test_list", [write("b", part(200))])
    file, md5 = write(cls.meta["filename"], {cls.meta["key"]: [f"class {i}" for i in range(classes)]})
    monkeypatch.setattr(cls, "meta", {**cls.meta, "md5": md5})
    data = load({"name": name.lower(), "path": str(tmp_path), "val": 100})
    assert data.counts == {"train": 200, "val": 100, "test": 200, "doubles": 0} and data.input_shape == (3, 32, 32)
    assert (data.input_shape, len(data.classes)) == tuple(describe(name.lower())) and len(data.train.mean) == 3


def test_doubles_stay_together_and_order_does_not_matter():
    random = numpy.random.default_rng(0)
    images = random.integers(0, 256, (60, 4), dtype=numpy.uint8)[random.integers(0, 60, 200)]  # many twice or more
    labels = images[:, 0].astype(int) % 3
    keys = hash_contents(images, seed=5)
    parts = partition_indices(keys, labels, {"val": 60, "test": 40, "train": None})
    where = {name: {images[i].tobytes() for i in indices} for name, indices in parts.items()}
    assert not where["val"] & where["test"] and not where["val"] & where["train"] and not where["test"] & where["train"]
    assert sum(map(len, parts.values())) == 200 and abs(len(parts["val"]) - 60) < 12
    shuffled = random.permutation(200)
    again = partition_indices([keys[i] for i in shuffled], labels[shuffled], {"val": 60, "test": 40, "train": None})
    assert {images[shuffled[i]].tobytes() for i in again["val"]} == where["val"]
