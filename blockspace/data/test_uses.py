"""Count how often a test split was scored on this machine: an empty file a run in the cache, in a folder named by the split's digest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from blockspace.data.scan import find_cached

FOLDER = "test_uses"


def compute_test_digest(keys: Iterable[bytes], labels: Iterable[int]) -> str:
    """Return the SHA-256 of a test split, whatever the order of its images: of each its content's hash and its label."""
    rows = sorted(key + int(label).to_bytes(8, "big", signed=True) for key, label in zip(keys, labels, strict=True))
    return hashlib.sha256(b"".join(rows)).hexdigest()


def count_test_use(digest: str, run: str) -> int | None:
    """Count the run with this id among those that scored the test split, once; return how many there are now.

    A run is a file of its own, so processes that count at the same time do not disturb each other. None where the cache cannot be written.
    """
    folder = find_cached(FOLDER, digest)
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(folder / run, os.O_WRONLY | os.O_CREAT, 0o666))
        return len(list_runs(folder))
    except OSError:
        return None


def read_test_uses(digest: str, run: str) -> int | None:
    """Return how many runs have scored a test split on this machine; None where this run's use was not counted here."""
    folder = find_cached(FOLDER, digest)
    runs = list_runs(folder) if folder is not None else []
    return len(runs) if run in runs else None


def list_runs(folder: Path) -> list[str]:
    """Return the ids of the runs that are counted in a folder."""
    try:
        return os.listdir(folder)
    except OSError:
        return []
