"""Studies whose trainings run in the test's process, where processes are not the point: no server imports torch, nothing is forked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from executors.inline import InlineExecutor


@contextmanager
def train_inline() -> Iterator[pytest.MonkeyPatch]:
    """Train and measure latencies in this process while the block runs; yields what undoes further patches at its end."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("run_search", "latency_measurer"):
            patch.setattr(f"blockspace.study.{module}.open_executor", lambda *_: InlineExecutor())
        yield patch
