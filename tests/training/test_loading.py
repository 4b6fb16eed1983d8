"""Where batches are made makes no difference to what they are."""

import pytest
import torch
from nets import small

from blockspace.data import Split, load
from blockspace.data.decoding import Decoding
from blockspace.data.images import LazyImages
from blockspace.training import fit, read_recipe
from blockspace.training.batches.loader import count_workers, place_split

CPU = torch.device("cpu")
KEYS = {"epochs": 2, "batch": 50, "accelerator": "cpu", "augment": ["crop", {"color_jitter": {"brightness": 0.5}}], "mixup": True}


@pytest.fixture(scope="module")
def digits():
    return load({"name": "digits", "train": 200, "val": 100})


@pytest.mark.parametrize("count", [0, 2])
def test_a_dataloader_trains_the_same_network(digits, count):
    torch.set_num_threads(1)
    here, there = small(), small()
    first = fit(here, *digits.search_split(), read_recipe(KEYS), 5)
    second = fit(there, *digits.search_split(), read_recipe(KEYS | {"loader": "workers", "workers": count}), 5)
    assert [e.train_loss for e in first.history] == [e.train_loss for e in second.history]
    assert all(torch.equal(a, b) for a, b in zip(here.state_dict().values(), there.state_dict().values()))


class Files:
    """Images that are decoded when asked for."""

    dtype = torch.uint8

    def __init__(self, images):
        self.images, self.shape, self.workers = images, tuple(images.shape), 0

    def __getitem__(self, indices):
        return self.images[indices]


def test_the_rule(digits):
    auto, memory, loader = (read_recipe({"loader": name}) for name in ("auto", "memory", "workers"))
    files = Split(Files(digits.train.images), digits.train.labels, 10)
    assert place_split(digits.train, auto, CPU)[1] is None and place_split(digits.train, loader, CPU)[1] is not None
    assert place_split(files, auto, CPU)[1] is not None and place_split(files, auto, CPU)[0] is files
    split, count = place_split(files, memory, CPU)
    assert count is None and torch.equal(split.images, digits.train.images)


def test_the_memory_of_a_gpu_is_asked_for_images_in_memory_only(digits, monkeypatch):
    """Files are not in memory: their size against the GPU's is not a question."""
    asked = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: asked.append(device) or (4 * digits.train.images.numel() - 1, 0))
    auto, gpu = read_recipe({"loader": "auto", "workers": 2}), torch.device("cuda")
    files = Split(LazyImages([None] * 200, Decoding((1, 16, 16))), digits.train.labels, 10)
    assert place_split(files, auto, gpu) == (files, 2) and not asked
    assert place_split(digits.train, auto, gpu) == (digits.train, 2) and asked == [gpu]  # one byte too many for a quarter of it


def test_processes_of_the_dataloader(digits):
    files = Split(Files(digits.train.images), digits.train.labels, 10)
    torch.set_num_threads(1)
    assert count_workers(files, read_recipe({})) == 0  # a worker of a search: the cores are taken
    files.images.workers = 3
    assert count_workers(files, read_recipe({})) == 3 and count_workers(files, read_recipe({"workers": 1})) == 1
