"""One finished run for all tests of this folder: it takes a quarter of a minute."""

from __future__ import annotations

import pytest
from study import tiny

import blockspace as bs


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """One run of the tiny study, and what it said on the way. What writes into it takes a copy."""
    folder = tmp_path_factory.mktemp("tiny")
    events: list[str] = []
    outcome = bs.search(tiny.write(folder), [f"out={folder / 'run'}"], on_event=lambda event: events.append(event.kind))
    return folder, outcome, events
