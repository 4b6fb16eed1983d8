"""Every single-label classification set of torchvision: rows against the signatures that are installed, and tiny copies of the layouts."""

from __future__ import annotations

import importlib
import inspect

import numpy
import pytest
import torch
import torchvision
from data import tiny_sets

from blockspace.data import describe, load, read_spec
from blockspace.data.named_datasets import DATASETS
from blockspace.data.torchvision_sets import make_arguments
from blockspace.errors import BlockspaceError

# what else torchvision has: other tasks, parts of other classes, or ways of reading that need more than a folder
OTHERS = {
    "base classes": {"VisionDataset", "DatasetFolder", "ImageFolder", "wrap_dataset_for_transforms_v2"},
    "detection, segmentation, boxes": {
        "Cityscapes", "CocoDetection", "Kitti", "SBDataset", "VOCDetection", "VOCSegmentation", "WIDERFace",
    },
    "captions": {"CocoCaptions", "Flickr30k", "Flickr8k", "SBU"},
    "video": {"HMDB51", "Kinetics", "MovingMNIST", "UCF101"},
    "optical flow and stereo": {
        "CREStereo", "CarlaStereo", "ETH3DStereo", "FallingThingsStereo", "FlyingChairs", "FlyingThings3D", "HD1K", "InStereo2k",
        "Kitti2012Stereo", "Kitti2015Stereo", "KittiFlow", "Middlebury2014Stereo", "SceneFlowStereo", "Sintel", "SintelStereo",
    },
    "pairs": {"LFWPairs", "PhotoTour"},
    "several labels for each image": {"CelebA"},
    "ten million images in lmdb files": {"LSUN", "LSUNClass"},
}  # fmt: skip
NAMES = [name for name, known in DATASETS.items() if known.reader]


def test_no_set_of_torchvision_is_forgotten():
    known = {known.reader for known in DATASETS.values() if known.reader}
    assert known.isdisjoint(set().union(*OTHERS.values()))
    assert set(torchvision.datasets.__all__) <= known.union(*OTHERS.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_what_the_constructor_takes(name, tmp_path):
    known = DATASETS[name]
    signature = inspect.signature(getattr(torchvision.datasets, known.reader))
    for part in known.parts:
        given = make_arguments(known, read_spec(name), tmp_path if known.markers else None, part)
        signature.bind(**given)
        assert not given.get("download")
        assert ("loader" in signature.parameters) <= ("loader" in given)
    if known.markers and not known.by_hand and known.reader not in ("EMNIST", "QMNIST"):  # these two take it through **kwargs
        assert "download" in signature.parameters


def test_a_choice_of_split_is_one_that_torchvision_has():
    sets = torchvision.datasets
    assert set(DATASETS["emnist"].options["split"]) == set(sets.EMNIST.splits)
    offered = DATASETS["emnist"].options["split"]
    assert {key: len(value) for key, value in sets.EMNIST.classes_split_dict.items()} == {**offered, "letters": 27}
    assert set(DATASETS["imagenette"].options["size"]) == set(sets.Imagenette._ARCHIVES)
    assert {part["split"] for part in DATASETS["stl10"].parts.values()} <= set(sets.STL10.splits)
    assert len(sets.Flowers102.classes) == DATASETS["flowers102"].classes


@pytest.fixture
def unchecked(monkeypatch):
    """torchvision compares MD5 sums and file lists with those of the real sets."""
    for module in ("svhn", "stl10", "semeion", "fer2013", "flowers102", "omniglot", "lfw", "places365"):
        place = importlib.import_module(f"torchvision.datasets.{module}")
        for test in ("check_integrity",):
            monkeypatch.setattr(place, test, lambda *_args, **_more: True)
    monkeypatch.setattr(torchvision.datasets.STL10, "_check_integrity", lambda self: True)
    monkeypatch.setattr(torchvision.datasets.Places365, "_check_integrity", lambda self, *_: True, raising=False)


def settings(name, root):
    """What `data: {name: ...}` needs to say of a copy this small."""
    val = {"val": 5} if DATASETS[name].val else {}
    return {"root": str(root)} | val | ({} if name in ARRAYS else {"size": 24})


ARRAYS = ("mnist", "kmnist", "qmnist", "usps", "semeion", "svhn", "stl10", "emnist")


@pytest.mark.parametrize("name", sorted(tiny_sets.WRITERS))
def test_a_tiny_copy_is_read(name, tmp_path, unchecked):
    tiny_sets.WRITERS[name](tmp_path)
    spec = {name: settings(name, tmp_path)}
    data = load(spec)
    shape, classes = describe(spec)
    assert data.name == name and data.input_shape == shape == tuple(data.train.images.shape[1:])
    assert len(data.classes) == classes == data.train.n_classes
    final, test = data.final_split()
    assert min(data.counts[part] for part in ("train", "val", "test")) >= 1 and data.train.images.dtype == torch.uint8
    seen = sorted(set(final.labels.tolist()) | set(test.labels.tolist()))
    assert seen[0] == 0 and len(seen) == seen[-1] + 1 <= classes, "labels from 0, without gaps"
    assert data.digest == load(spec).digest
    if all(part in DATASETS[name].parts for part in ("val", "test")):
        assert {data.counts[part] for part in ("train", "val", "test")} == {len(data.train)}


def test_every_set_has_a_tiny_copy_but_those_tested_elsewhere():
    assert set(NAMES) - set(tiny_sets.WRITERS) == {"cifar10", "cifar100", "fashion_mnist", "fake_data", "pcam"}


def test_pixels_and_labels_are_torchvisions(tmp_path, unchecked):
    for name in ("svhn", "usps", "mnist"):
        tiny_sets.WRITERS[name](tmp_path)
        known = DATASETS[name]
        theirs = getattr(torchvision.datasets, known.reader)(str(tmp_path), **known.parts["test"])
        test = load({name: settings(name, tmp_path)}).final_split()[1]
        for i in range(len(theirs)):
            image, label = theirs[i]
            image = numpy.asarray(image)
            image = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
            assert label == test.labels[i] and numpy.array_equal(image, test.images[i].numpy())


def test_a_choice_changes_the_classes(tmp_path):
    tiny_sets.emnist(tmp_path)
    spec = {"emnist": {"root": str(tmp_path), "options": {"split": "letters"}}}
    assert describe(spec).n_classes == 26 and describe("emnist").n_classes == 47
    data = load(spec)
    assert data.classes[0] == "a" and data.train.labels.min() == 0 and data.train.labels.max() == 25
    wrong = (({"splt": 1}, "E-KEY", "no option 'splt'"), ({"split": "x"}, "E-TYPE", "is not one of balanced, letters"))
    for options, code, message in wrong:
        with pytest.raises(BlockspaceError, match=message) as caught:
            read_spec({"name": "emnist", "options": options})
        assert caught.value.mistakes[0].code == code


def test_grey_as_rgb_and_rgb_as_grey(tmp_path, unchecked):
    tiny_sets.mnist(tmp_path)
    tiny_sets.svhn(tmp_path)
    assert load({"mnist": settings("mnist", tmp_path) | {"channels": 3}}).input_shape == (3, 28, 28)
    spec = {"svhn": {"root": str(tmp_path), "channels": 1, "size": 16}}
    assert load(spec).input_shape == (1, 16, 16) == describe(spec).input_shape


def test_fake_data_needs_no_files():
    data = load({"fake_data": {"size": 8, "train": 40, "val": 10, "test": 10}})
    assert data.counts == {"train": 40, "val": 10, "test": 10, "doubles": 0} and data.input_shape == (3, 8, 8) and len(data.classes) == 10


def test_what_may_not_be_fetched_says_how_to_get_it(tmp_path):
    with pytest.raises(BlockspaceError, match="imagenet is not on this machine") as caught:
        load({"imagenet": {"root": str(tmp_path), "download": True}})
    assert "image-net.org" in caught.value.mistakes[0].help


def test_pcam_without_h5py_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "pcam").mkdir()
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(BlockspaceError, match="PCAM in .* cannot be read: h5py is not found"):
        load({"pcam": {"root": str(tmp_path)}})
