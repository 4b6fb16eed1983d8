"""An environment in which nothing can train, in a real process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from search_process import COMMAND, table
from study import tiny


@pytest.mark.slow  # by default its parts: searching/test_loop.py (one cause from the start), executors/test_local.py (a failing import)
def test_an_environment_in_which_nothing_can_train_is_one_cause(tmp_path):
    """The first three trials fail alike: exit code 4 and that cause, once."""
    tiny.write(tmp_path)
    broken = tmp_path / "broken" / "lightning"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file')\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(broken.parent), *filter(None, sys.path)])}
    run = subprocess.run([*COMMAND, "search.trials=6"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert run.returncode == 4, run.stderr
    errors = run.stderr[run.stderr.index("error:") :]
    assert errors.startswith("error: the first 3 trainings failed with the same cause: ImportError: libcudart.so.13: cannot open shared")
    assert errors.count("libcudart") == 1 and "Traceback" not in run.stderr
    assert [row["state"] for row in table(tmp_path)].count("failed") == 3
