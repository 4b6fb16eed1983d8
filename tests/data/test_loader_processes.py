"""Images that processes load: what goes wrong in one is one error here, and nothing waits for ever."""

from __future__ import annotations

import errno
import os
import signal

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from blockspace.data import GuardedImages, iterate_images, loading, translate_loader_error
from blockspace.errors import BlockspaceError, error
from blockspace.files import find_storage_error


class Failing(Dataset):
    """Three images, the second of which fails as `how` says."""

    def __init__(self, how):
        self.how = how

    def __getitem__(self, index):
        if index == 1:
            self.how()
        return torch.full((2, 3), index)


def damaged():
    raise error("E-DATA", "1 image cannot be read: a/b.png (not an image)", help="repair it")


def full():
    raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1_2_3>: No space left on device (28)")


def broken():
    raise ValueError("first line\nsecond line")


def killed():
    os.kill(os.getpid(), signal.SIGKILL)


def ended():
    os._exit(3)


def nothing():
    pass


def iterate(how, workers=1):
    loader = DataLoader(GuardedImages(Failing(how)), sampler=range(3), batch_size=None, num_workers=workers)
    return [int(image[0, 0]) for image in iterate_images(loader)]


@pytest.mark.parametrize("workers", [0, 1])
def test_images_come_in_order(workers):
    assert iterate(nothing, workers) == [0, 1, 2]


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        (damaged, "E-DATA", "1 image cannot be read: a/b.png (not an image)"),
        (full, "E-SHM", "the processes that load images need more shared memory: "),
        (broken, "E-LOADER", "a process that loads images failed: ValueError: first line"),
        (killed, "E-LOADER", "a process that loads images "),  # as torch noticed it
        (ended, "E-LOADER", "a process that loads images ended unexpectedly"),
    ],
)
def test_a_fault_in_a_process_is_one_error_here(how, code, message):
    with pytest.raises(BlockspaceError) as caught:
        iterate(how)
    (mistake,) = caught.value.mistakes
    assert mistake.code == code and mistake.message.startswith(message) and mistake.help, mistake


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOSYS, errno.EACCES, errno.ENOENT])
def test_shared_memory_that_cannot_be_used(number, monkeypatch, tmp_path):
    def refused(*_args, **_more):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", refused)
    monkeypatch.setattr(loading, "SHARED_MEMORY", str(tmp_path / "shm"))
    with pytest.raises(BlockspaceError) as caught:
        iterate(nothing)
    assert caught.value.mistakes[0].code == "E-SHM" and "train.workers=0" in caught.value.mistakes[0].help
    assert find_storage_error(caught.value, tmp_path) is caught.value, "the machine's fault, not a network's"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that ... out of shared memory."), "E-SHM"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), "E-LOADER"),
        (RuntimeError("DataLoader worker (pid(s) 7, 8) exited unexpectedly"), "E-LOADER"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "E-LOADER"),
        (RuntimeError("received 0 items of ancdata"), "E-LOADER"),
        (OSError(errno.EMFILE, "Too many open files"), "E-LOADER"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "E-LOADER"),
        (OSError(errno.ENOSPC, "No space left on device"), None),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
    ],
    ids=str,
)
def test_what_torch_says_of_processes(reason, code):
    found = translate_loader_error(reason)
    assert (found and found.mistakes[0].code) == code
