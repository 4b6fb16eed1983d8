"""Puts this folder on the path, so that tests can share helpers: `from golden.rows import ROWS`."""

import gc
import os
import signal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a test process: two of them run side by side, and torch is not imported yet

import pytest
from xdist.scheduler import LoadFileScheduling

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without Ctrl-C, and some tests are about it


# Folders whose tests start processes or train: dealt out first, so that no long file is left for the end, when the other core is idle.
LONG_FIRST = ("searching", "cli", "study", "docs", "benchmarks", "training", "library", "exporting", "compiler", "executors", "runtimes")


def pytest_collection_modifyitems(items):
    """Put long folders first; within one, the order stays. Goes with `--no-loadscope-reorder`."""

    def rank(item) -> int:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)

    items.sort(key=rank)


# Files that share what takes long to make, which one process makes once: the finished run of tests/study/conftest.py, shipped studies.
TOGETHER = {
    f"tests/study/test_{name}.py": group
    for group, names in {
        "finished": ("cheaper_study", "missing", "reading", "replay", "reuse", "search", "self_contained", "training_facts"),
        "shipped": ("shipped", "initial_trials"),
    }.items()
    for name in names
}


class FilesTogether(LoadFileScheduling):
    """A file's tests stay in one process, and so do those of files that share what takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config, log):
    return FilesTogether(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish():
    """Leave what collecting made and imported out of every later collection of garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """What is cached between processes goes to a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOCKSPACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
