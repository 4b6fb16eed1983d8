"""A training in this process that stands still: ended by the alarm clock, with the line of the data set's code that does not return."""

from __future__ import annotations

import importlib
import os
import signal

import pytest

from blockspace.errors import FailureError
from blockspace.inputs import check_arguments
from blockspace.searching import Interrupted, handle_stop_signals

STUCK = "import time\n\n\ndef wait():\n    while True:\n        time.sleep(0.01)\n"


def test_a_training_that_stands_still_ends_with_the_line_it_stands_in(tmp_path, monkeypatch):
    """Code of the user's that a function of this package has called; the code of a test or script around it is not named."""
    (tmp_path / "stuck.py").write_text(STUCK)
    monkeypatch.syspath_prepend(tmp_path)
    wait = check_arguments()(importlib.import_module("stuck").wait)
    with pytest.raises(FailureError, match=r"no batch for 0 s: stuck.py, line [56], does not return"), handle_stop_signals() as request:
        request.expect_step(0.05)
        wait()
    with pytest.raises(FailureError, match="no batch for 0 s") as caught, handle_stop_signals() as request:
        request.expect_step(0.05)
        signal.pause()
    assert caught.value.exit_code == 4 and "does not return" not in caught.value.mistakes[0].message
    assert "train.workers=0" in caught.value.mistakes[0].help


def test_a_training_that_was_told_to_stop_is_not_called_stuck():
    with pytest.raises(Interrupted) as caught, handle_stop_signals() as request:
        os.kill(os.getpid(), signal.SIGINT)
        request.expect_step(0.05)
        signal.pause()
    assert caught.value.exit_code == 130
    with pytest.raises(Interrupted) as caught, handle_stop_signals() as request:
        os.kill(os.getpid(), signal.SIGTERM)
        request.expect_step(0.001)
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 1, "the time that SIGTERM gives is not cut"
    assert caught.value.exit_code == 143


def test_steps_that_come_in_time_end_nothing():
    with handle_stop_signals() as request:
        for _ in range(3):
            request.expect_step(60)
        request.expect_step(0)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
