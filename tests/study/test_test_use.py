"""Uses of a test split are counted once a run, by processes at the same time too, and by its images alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from blockspace.data import count_test_use, preflight, read_test_uses
from blockspace.data.test_uses import compute_test_digest
from blockspace.records import RunDir
from blockspace.study.test_use import note_test_use, read_test_use

DIGEST = "a" * 64


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BLOCKSPACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def look():
    return preflight({"name": "digits", "train": 40, "val": 20, "test": 30})


def test_a_run_counts_once_whoever_else_counts(cache):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: count_test_use(DIGEST, f"{number % 10:032x}"), range(200)))
    assert count_test_use(DIGEST, f"{3:032x}") == 10 == read_test_uses(DIGEST, f"{9:032x}")
    assert read_test_uses(DIGEST, f"{99:032x}") is None and count_test_use("b" * 64, f"{3:032x}") == 1


def test_the_split_is_known_by_its_images_and_labels_in_any_order(look):
    keys, labels = [bytes([n]) * 16 for n in range(3)], [0, 1, 1]
    digest = compute_test_digest(keys, labels)
    assert compute_test_digest(keys[::-1], labels[::-1]) == digest != compute_test_digest(keys, labels[::-1])
    assert preflight({"name": "digits", "train": 40, "val": 20, "test": 30}).test_digest == look.test_digest
    assert preflight({"name": "digits", "train": 40, "val": 20, "test": 31}).test_digest != look.test_digest


def test_resumes_and_copies_do_not_count_and_other_runs_do(cache, look, tmp_path):
    runs = [RunDir(tmp_path / name) for name in ("one", "two")]
    for run in [*runs, *runs]:
        note_test_use(run, look)
    assert [read_test_use(run).uses for run in runs] == [2, 2]
    assert read_test_use(runs[0]).sentence() == "this test split was scored by 2 runs on this machine"
    assert read_test_use(RunDir(tmp_path / "none")) is None


def test_without_a_cache_it_is_not_counted_until_there_is_one(cache, look, tmp_path):
    cache.write_text("a file is in its place")
    note_test_use(RunDir(tmp_path / "run"), look)
    assert read_test_use(RunDir(tmp_path / "run")).sentence().startswith("not counted")
    cache.unlink()
    note_test_use(RunDir(tmp_path / "run"), look)
    assert read_test_use(RunDir(tmp_path / "run")).uses == 1
    cache.rename(tmp_path / "elsewhere")
    assert read_test_use(RunDir(tmp_path / "run")).uses == 1, "as it was when it was scored"


@pytest.mark.parametrize("name", ["../../escaped", "x" * 40, ""])
def test_a_record_that_names_a_file_outside_the_cache_is_not_read(cache, look, tmp_path, name):
    run = RunDir(tmp_path)
    run.test_use.write_text(f'{{"format": "blockspace/test-use/1", "run": "{name}", "digest": "{DIGEST}", "uses": null}}')
    assert read_test_use(run) is None
    note_test_use(run, replace(look, test_digest=DIGEST))
    assert [len(path.name) for path in (cache / "test_uses" / DIGEST).iterdir()] == [32]
