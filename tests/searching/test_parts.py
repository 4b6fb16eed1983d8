"""The small parts: result files, seeds, options, what importing the floor costs."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys

import pydantic
import pytest

from blockspace.costs import compute_violation
from blockspace.errors import StorageError
from blockspace.executors import Result, adopt_result, read_result
from blockspace.searching import Interrupted, SearchOptions, StudyLock, derive_training_seed, ignore_signals, raise_on_signals
from blockspace.searching.plan import diff_configs
from blockspace.searching.seeds import derive_seed

RESULT = Result("trained", {"acc": 0.5, "loss": math.nan}, 1.5, 7, "v1:k", versions={"torch": "2.14"})


def test_a_result_survives_its_file(tmp_path):
    RESULT.write(tmp_path)
    back = read_result(tmp_path)
    assert back.metrics["acc"] == 0.5 and math.isnan(back.metrics["loss"])
    assert (back.state, back.seconds, back.seed, back.key, back.versions) == ("trained", 1.5, 7, "v1:k", {"torch": "2.14"})
    assert adopt_result(tmp_path, "v1:k", 7) and adopt_result(tmp_path, "v1:k", 8) is None and adopt_result(tmp_path, "v1:other", 7) is None


def test_every_flipped_byte_of_a_result_is_noticed(tmp_path):
    path = RESULT.write(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        kept = adopt_result(tmp_path, "v1:k", 7)
        assert kept is None or kept.metrics["acc"] == 0.5  # white space between the values may change
    for cut in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:cut])
        assert adopt_result(tmp_path, "v1:k", 7) is None
    with pytest.raises(StorageError, match="result.json: damaged"):
        read_result(tmp_path)


def test_a_result_needs_a_known_state():
    with pytest.raises(ValueError, match="state must be one of trained, diverged, failed, oom, timeout, hung, got 'done'"):
        Result("done")


def test_seeds_are_fixed_for_ever():
    assert derive_training_seed(0, "v1:abc") == 1505561000 and derive_training_seed(0, "v1:abc", 1) != derive_training_seed(0, "v1:abc")
    assert derive_seed(1, "2") != derive_seed("1", 2) and derive_seed(12, 3) != derive_seed(1, 23)


BAD = [{"trial": 3}, {"trials": 0}, {"trials": "3"}, {"trials": True}, {"workers": 0}, {"sampler": "tp"}, {"timeout": math.inf}]


@pytest.mark.parametrize("bad", BAD)
def test_options_are_strict(bad):
    with pytest.raises(pydantic.ValidationError):
        SearchOptions(**bad)


def test_options_have_workers():
    assert SearchOptions(workers=3).worker_count() == 3 and SearchOptions().worker_count() >= 1


def test_an_unwritable_folder_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught, StudyLock(tmp_path / "file" / "run"):
        pass
    assert caught.value.mistakes[0].code == "E-IO"


def test_differences_name_the_leaf():
    old = {"space": {"base": [1, 2]}, "out": "a", "search": {"workers": 1, "seed": 0}}
    new = {"space": {"base": [1, 2, 3]}, "out": "b", "search": {"workers": 2, "seed": 0, "new": True}}
    assert diff_configs(old, new) == ["space.base: [1, 2] -> [1, 2, 3]", "search.new: (absent) -> true"]


@pytest.mark.parametrize("value, expected", [(1.3, 0.3), (0.5, 0.2), (0.9, -0.1)])
def test_distance_outside(value, expected):
    assert compute_violation(value, None if value > 0.5 else 0.625, 1.0) == pytest.approx(expected)


WITH_OPTUNA = (
    "optimize", "make_job", "read_stored_study", "read_stored_searches", "StoredStudy", "StoredSearch",
    "replay_search", "ReplayDifference", "find_changed_setting", "find_other_order",
)  # fmt: skip
LIGHT = f"[name for name in s.__all__ if name not in {WITH_OPTUNA}]"


@pytest.mark.parametrize("names, absent", [(LIGHT, ["optuna", "torch", "lightning"]), ("['optimize', 'read_stored_study']", ["torch"])])
def test_importing_the_floor_imports_no_heavy_library(names, absent):
    code = f"import sys, blockspace.searching as s; [getattr(s, n) for n in {names}]; print([m for m in {absent} if m in sys.modules])"
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert answer.stdout == "[]\n"


def test_nothing_interrupts_the_last_words():
    before = signal.getsignal(signal.SIGINT)
    with raise_on_signals():
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        ignore_signals()
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
