"""Puts this folder on the path, so that tests can share helpers: `from golden.rows import ROWS`."""

import signal

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs without Ctrl-C, and some tests are about it


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """What is cached between processes goes to a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOCKSPACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
