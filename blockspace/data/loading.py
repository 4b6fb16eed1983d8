"""Load images in the processes of a DataLoader, and say in one line what went wrong in them.

torch sends an exception of such a process as a text of many lines; a tensor that does not fit into shared memory fails in a thread, after
which the training would wait for ever; and a process that dies is reported wherever the training happens to be. So a process moves its
images to shared memory by itself, and sends exceptions as data.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset, get_worker_info

from blockspace.errors import BlockspaceError, Mistake, StorageError, error

SHARED_MEMORY = "/dev/shm"
IN_THIS_PROCESS = "train.workers=0 and data.workers=0 load the images in the training's own process"
# what torch and Python say where shared memory, or the semaphores in it, cannot be made
SHM_WORDS = ("shared memory", "/torch_", "bus error", "sigbus", "shm_open", "sem_open", "semlock")
DEATH = re.compile(r"DataLoader worker \(pid(?:\(s\))? [\d, ]+\) (?:is killed by signal: ([^.]+)|exited unexpectedly)")
LOST = (ConnectionError, EOFError)  # of a pipe to a process that is no more


@dataclass(frozen=True)
class LoadFailure:
    """An exception of a process that loads images: its mistakes if it is ours, else its type and first line."""

    mistakes: tuple[Mistake, ...]
    text: str

    @classmethod
    def of(cls, reason: BaseException) -> LoadFailure:
        """Return the failure of an exception."""
        if isinstance(reason, BlockspaceError):
            return cls(reason.mistakes, "")
        lines = str(reason).strip().splitlines()
        return cls((), f"{type(reason).__name__}: {lines[0]}" if lines else type(reason).__name__)

    def as_error(self) -> BlockspaceError:
        """Return the error to raise in the training's own process."""
        if self.mistakes:
            return BlockspaceError(*self.mistakes)
        if any(word in self.text.lower() for word in SHM_WORDS):
            return make_shared_memory_error(self.text)
        return error("E-LOADER", f"a process that loads images failed: {self.text}", help=IN_THIS_PROCESS)


class GuardedImages(Dataset[Any]):
    """The items of a dataset, or a LoadFailure; a DataLoader's process puts its tensors into shared memory here."""

    def __init__(self, dataset: Dataset[Tensor]):
        self.dataset = dataset

    def __getitem__(self, key: Any) -> Tensor | LoadFailure:
        if get_worker_info() is None:
            return self.dataset[key]
        try:
            item: Tensor = self.dataset[key].contiguous()
            item.share_memory_()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            return item
        except Exception as reason:
            return LoadFailure.of(reason)


def iterate_images(loader: DataLoader[Any]) -> Iterator[Tensor]:
    """Yield what a DataLoader of GuardedImages loads. Raises BlockspaceError: E-SHM, E-LOADER, and what loading an image raises."""
    try:
        if loader.num_workers:
            multiprocessing.Lock()  # refused here, where nothing is half made yet, rather than to the DataLoader
        for item in loader:
            if isinstance(item, LoadFailure):
                raise item.as_error()
            yield item
    except (RuntimeError, OSError, EOFError) as reason:
        missing = make_shared_memory_error(str(reason)) if is_missing_shared_memory(reason) else None
        better = translate_loader_error(reason) or missing
        if better is None:
            raise
        raise better from reason


def translate_loader_error(reason: BaseException) -> BlockspaceError | None:
    """Return the error for a DataLoader whose processes cannot be started, or died; None for anything else."""
    text = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
    found = DEATH.search(text)
    if any(word in text.lower() for word in SHM_WORDS):
        return make_shared_memory_error(text)
    if found or isinstance(reason, LOST):
        how = f"was killed by signal {found[1]}" if found and found[1] else "ended unexpectedly"
        help = f"{IN_THIS_PROCESS}; where memory ran out, fewer processes or a smaller batch help"
        return error("E-LOADER", f"a process that loads images {how}", help=help)
    if isinstance(reason, OSError) and reason.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE):
        return error("E-LOADER", f"no process can be started to load images: {reason.strerror}", help=IN_THIS_PROCESS)
    if "received 0 items of ancdata" in text or "Too many open files" in text:
        help = f"`ulimit -n 65536` allows more; {IN_THIS_PROCESS}"
        return error("E-LOADER", "too many open files in the processes that load images", help=help)
    return None


def is_missing_shared_memory(reason: BaseException) -> bool:
    """Return whether a DataLoader was refused a semaphore: there is no shared memory, or it is full or locked."""
    refused = (errno.ENOSYS, errno.ENOSPC, errno.ENOENT, errno.EACCES, errno.EROFS)
    return isinstance(reason, OSError) and reason.errno in refused and (reason.filename is None or SHARED_MEMORY in str(reason.filename))


def make_shared_memory_error(text: str) -> BlockspaceError:
    """Return the error (E-SHM) for images that do not fit into shared memory: the machine's, so no network is marked as failed for it."""
    help = f"{IN_THIS_PROCESS}; a container has more with --shm-size=1g"
    if not os.path.isdir(SHARED_MEMORY):
        return error("E-SHM", f"the processes that load images need shared memory: {text}", help=help, cls=StorageError)
    size = shutil.disk_usage(SHARED_MEMORY)
    free = f"{size.free / 2**20:,.1f} of {size.total / 2**20:,.1f} MiB are free"
    message = f"the processes that load images need more shared memory: {free} in {SHARED_MEMORY}"
    return error("E-SHM", message, help=help, cls=StorageError)
