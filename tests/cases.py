"""Many small cases in one test: every case is tried, and the test fails once, with the name of each case that failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest


def try_each(check: Callable[..., object], cases: Iterable[object]) -> None:
    """Call `check` with each case, a tuple as its arguments; at least one case is needed.

    A case costs a call here. As a test of its own it would also cost a fixture, three reports and their way between processes.
    """
    failed, count = [], 0
    for case in cases:
        count += 1
        try:
            check(*case) if isinstance(case, tuple) else check(case)
        except (Exception, pytest.fail.Exception) as reason:
            failed.append(f"{case!r:.200}: {type(reason).__name__}: {reason}")
    assert count, "there are no cases"
    assert not failed, f"{len(failed)} of {count} cases failed\n" + "\n".join(failed)
