"""Puts this folder on the path, so that tests can share helpers: `from golden.rows import ROWS`."""

import signal
from pathlib import Path

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without Ctrl-C, and some tests are about it


# Folders whose tests start processes or train: dealt out first, so that no long file is left for the end, when the other core is idle.
LONG_FIRST = ("searching", "cli", "study", "docs", "benchmarks", "training", "library", "exporting", "compiler", "executors", "runtimes")


def pytest_collection_modifyitems(items):
    """Put long folders first; within one, the order stays. Goes with `--no-loadscope-reorder`."""

    def rank(item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """What is cached between processes goes to a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOCKSPACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
