"""Tables and results.csv, to the letter."""

import csv
import io
from dataclasses import replace

import numpy
import pytest

from blockspace.errors import StorageError
from blockspace.records import TrialRecord, TrialState
from blockspace.reporting import COLUMNS, ScoredFinalist, answer_table, compare_families, results_csv, write_results


def answer():
    right = numpy.array([[1, 1, 1, 0], [1, 1, 1, 1]], dtype=bool)
    loss = numpy.array([[0.1, 0.1, 0.1, 1.7], [0.1, 0.1, 0.1, 0.1]])
    costs = {"macs": 7_912_345, "params": 9_999, "latency": 1.2345}
    hs = ScoredFinalist("hs", "hs_a|1", costs, right, loss)
    base = ScoredFinalist("baseline", "resnext", {"macs": 7_912_000, "params": 123_456}, right[:1], loss[:1])
    return compare_families([hs], base)


def test_the_answer_as_plain_text():
    lines = answer_table(answer()).splitlines()
    assert lines[0] == "family    network    macs  params  latency x     accuracy %         log-loss  seeds"
    assert lines[1] == "--------  -------  ------  ------  ---------  -------------  ---------------  -----"
    assert lines[2] == "hs        hs_a|1   7.912M    9999      1.234  87.50 ± 17.68  0.3000 ± 0.2828      2"
    assert lines[3] == "baseline  resnext  7.912M  123.5k          -          75.00           0.5000      1"
    assert lines[4] == "" and lines[5].endswith(".")
    assert lines[5].startswith("this hs network and the baseline are not distinguishable at this size")


def test_the_answer_as_markdown():
    lines = answer_table(answer(), "markdown").splitlines()
    assert lines[0] == "| family | network | macs | params | latency x | accuracy % | log-loss | seeds |"
    assert lines[1] == "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2].startswith("| hs | hs_a\\|1 | 7.912M |") and lines[5].startswith("- this hs network and the baseline")


TRIALS = [
    TrialRecord(
        0, TrialState.TRAINED, key="v3:1", params={"block": "hs"}, solved={"base": 12}, costs={"macs": 8_000_000, "acts": 5},
        metrics={"val_acc": 0.9},
    ),
    TrialRecord(1, TrialState.FAILED, reason='said "no",\ntwice', params={"block": "resnext", "block.resnext.cardinality": 8}),
]  # fmt: skip


def test_results_have_the_documented_columns_first():
    text = results_csv(TRIALS, "block")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == [*COLUMNS, "acts", "label", "param.base", "param.block", "param.block.resnext.cardinality"]
    assert (rows[0]["state"], rows[0]["family"], rows[1]["family"]) == ("trained", "hs", "") and rows[0]["val_acc"] == "0.9"
    assert rows[0]["reason"] == "" and rows[1]["reason"] == TRIALS[1].reason and rows[1]["macs"] == ""
    assert results_csv([], None) == ",".join(COLUMNS) + "\n"
    several = list(csv.reader(io.StringIO(results_csv([*TRIALS, replace(TRIALS[0], number=2, repeat=1)], "block"))))
    assert [row[-1] for row in several] == ["repeat", "0", "0", "1"] and several[0][:-1] == list(rows[0])


def test_results_are_written_whole_or_not_at_all(tmp_path):
    assert write_results(tmp_path / "results.csv", TRIALS, "block").read_text() == results_csv(TRIALS, "block")
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_results(tmp_path / "file" / "results.csv", TRIALS, "block")
