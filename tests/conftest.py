"""Puts this folder on the path, so that tests can share helpers: `from golden.rows import ROWS`."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """What is cached between processes goes to a folder of this run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOCKSPACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
