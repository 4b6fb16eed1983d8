"""A run is repeated and compared with what it stores; nothing in its directory changes."""

from __future__ import annotations

import json
import shutil
import sqlite3

import numpy
import pytest
from safetensors.torch import load_file, save_file

import blockspace as bs
from blockspace.cli import main
from blockspace.records import RunDir
from blockspace.study import replay
from blockspace.study.replayed_training import compare_weights


@pytest.fixture
def copy(done, tmp_path):
    """A copy of the finished run, to be changed."""
    return RunDir(shutil.copytree(done[0] / "run", tmp_path / "run"))


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_replayed_and_left_as_it_is(done):
    before, said = contents(done[0] / "run"), []
    found = replay(done[0] / "run", say=said.append)
    assert (found.is_equal, found.exit_code, list(found.lines)) == (True, 0, said)
    assert found.lines[0].startswith(f"search: {len(done[1].rows)} proposals and decisions are equal (") and "6 trained" in found.lines[0]
    assert found.lines[-1].startswith("answer: 4 networks and ") and contents(done[0] / "run") == before


def test_a_training_is_bit_equal(done, capsys):
    row = next(row for row in done[1].rows if row.state == "trained")
    assert main(["replay", f"{done[0] / 'run'}#{row.number}"]) == 0
    assert f"#{row.number} {row.label}: bit-equal: " in capsys.readouterr().out


def test_another_machine_is_named_and_nothing_is_trained(copy):
    content = json.loads(copy.environment.read_text())
    content["environments"][0]["cpu"] = "Another CPU"
    copy.environment.write_text(json.dumps(content))
    found = replay(f"{copy}#baseline")
    assert found.exit_code == 7 and "not comparable here: recorded CPU Another CPU; here CPU " in found.lines[0]


def test_another_choice_in_the_database_is_named(copy, capsys):
    with sqlite3.connect(copy.storage) as database:
        database.execute("UPDATE trial_user_attributes SET value_json = '\"hs-s9\"' WHERE key = 'label' AND trial_id = 2")
    database.close()
    assert main(["replay", str(copy)]) == 6
    out = capsys.readouterr().out
    assert out.startswith("trial 1: proposed ") and out.endswith(", stored hs-s9\n")


def test_another_score_of_a_trial_is_named(copy):
    with sqlite3.connect(copy.storage) as database:
        database.execute("UPDATE trial_values SET value = value + 0.001 WHERE trial_id = (SELECT MIN(trial_id) FROM trial_values)")
    database.close()
    found = replay(copy)
    assert found.exit_code == 6 and "values: val_acc is" in found.lines[-1]


def test_another_setting_is_named(copy):
    copy.study_yaml.write_text(copy.study_yaml.read_text().replace("epochs: 1", "epochs: 2"))
    assert replay(copy).lines == ("settings: train.epochs 2, stored 1",)


def test_another_score_of_a_finalist_makes_another_answer(copy):
    place = copy.finalist("baseline", 0).scores
    with numpy.load(place) as kept:
        arrays = dict(kept)
    arrays["correct"] = ~arrays["correct"]
    numpy.savez_compressed(place, **arrays)
    found = replay(copy)
    assert found.exit_code == 6 and found.lines[-1].startswith("answer: ")


def test_without_an_answer_the_rest_is_compared(copy):
    copy.answer_json.unlink()
    assert replay(copy).exit_code == 7


def test_a_changed_weight_is_named(done, tmp_path):
    place = RunDir(done[0] / "run").finalist("baseline", 0).weights
    tensors = load_file(place)
    name = next(name for name, tensor in tensors.items() if tensor.dtype.is_floating_point)
    tensors[name].view(-1)[0] += 0.5
    save_file(tensors, tmp_path / "weights.safetensors")
    assert compare_weights(place, place) == ([], len(tensors))
    assert compare_weights(tmp_path / "weights.safetensors", place) == ([f"{name} by up to 0.5"], len(tensors))


@pytest.mark.parametrize("target, code", [("{}#99", "E-FILE"), ("{}#nothing", "E-FILE"), ("{}/trials", "E-FILE"), ("nowhere", "E-FILE")])
def test_what_is_no_training_and_no_run_is_named(done, target, code):
    with pytest.raises(bs.BlockspaceError) as caught:
        replay(target.format(done[0] / "run"))
    assert caught.value.mistakes[0].code == code


@pytest.mark.slow
def test_every_training_of_a_run_is_bit_equal(done, tmp_path):
    folder = tmp_path / "twice"
    bs.search(done[0] / "study.yaml", [f"out={folder}", "search.repeats=2", "search.trials=3"])
    found = replay(folder, train=True)
    assert found.exit_code == 0 and sum("bit-equal" in line for line in found.lines) == 6 + 2 * (3 + 3 + 1)
