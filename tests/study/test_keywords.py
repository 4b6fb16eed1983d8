"""Settings as keyword arguments: what they set, which wins, how a wrong one is reported, and the types that editors see."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from study import tiny

import blockspace as bs
from blockspace.searching import SearchOptions
from blockspace.study import TrainingOptions, load_study
from blockspace.study.make_keywords import FILE, keywords_text
from blockspace.study.study_file import StudyFile
from blockspace.study.train_config import resolve_training


@pytest.fixture
def path(tmp_path):
    return tiny.write(tmp_path)


def test_the_stored_keywords_are_current():
    assert FILE.read_text(encoding="utf-8") == keywords_text(), "run `python -m blockspace.study.make_keywords`, which writes them anew"


def test_a_study_and_its_search_section_share_no_key():
    assert not set(StudyFile.model_fields) & set(SearchOptions.model_fields)


def test_the_signature_of_train_has_its_options():
    kinds = inspect.signature(bs.train).parameters.values()
    named = {p.name for p in kinds if p.kind is p.KEYWORD_ONLY}
    assert named | {"stall_s"} == set(TrainingOptions.model_fields), "stall_s, which few need, is taken as any other keyword"
    assert "`stall_s`" in bs.train.__doc__


def test_the_docstring_of_search_names_its_keys():
    names = {*StudyFile.model_fields, *SearchOptions.model_fields} - {"format"}
    assert not [name for name in names if f"`{name}`" not in bs.search.__doc__]


def test_top_level_keys_and_search_keys_are_python_data(path, tmp_path):
    options = load_study(
        path,
        keywords={
            "data": {"name": "digits", "size": 8}, "train": {"epochs": 3, "augment": ("crop", {"flip": {"p": 0.25}})}, "trials": 7,
            "per_choice": {"block": "equal"}, "out": tmp_path / "run", "timeout": 1.5, "stall_s": None,
            "objectives": [{"minimize": "macs"}],
        },
    ).options  # fmt: skip
    assert options.data == {"name": "digits", "size": 8} and options.out == str(tmp_path / "run")
    assert (options.search.trials, options.search.timeout, options.search.stall_s) == (7, 1.5, None)
    assert options.train.epochs == 3 and options.train.augment[1].p == 0.25 and options.objectives == [{"minimize": "macs"}]


def test_a_section_changes_the_keys_it_names_and_the_rest_is_replaced(path):
    options = load_study(path, keywords={"train": {"epochs": 3}, "budget": {"params": {"high": "4k"}}, "baseline": {}}).options
    assert options.train.batch == 32 and options.train.epochs == 3, "the file's batch stays"
    assert options.budget.macs.high == "120%" and options.budget.params.high == "4k"
    assert options.baseline == {}
    options = load_study(path, keywords={"budget": {"macs": {"high": "110%"}}, "compare": None}).options
    assert options.budget.macs.low is None and options.compare is None


def test_texts_win_over_keywords_and_these_over_the_file(path):
    keywords = {"trials": 7, "seed": 3, "data": "digits", "search": {"trials": 8}}
    options = load_study(path, ["search.trials=9", "data.size=8"], keywords).options
    assert (options.search.trials, options.search.seed, options.search.workers) == (9, 3, 2)
    assert options.data == {"name": "digits", "size": 8}


def test_a_text_for_a_search_key_and_dotted_keys_are_read_as_on_the_command_line(path):
    options = load_study(path, keywords={"trials": "40", "failures.first": 2, "train.epochs": 4, "search.seed": 5}).options
    assert (options.search.trials, options.search.failures.first, options.train.epochs, options.search.seed) == (40, 2, 4, 5)


@pytest.mark.parametrize(
    ("keywords", "place", "message", "help"),
    [
        ({"trails": 4}, "1 6", "search: unknown key 'trails'", "'trials'"),
        ({"epochs": 4}, "1 6", "search: unknown key 'epochs'", "write train={'epochs': 4}"),
        ({"trials": 0}, "8 1", "study.search.trials: should be greater than or equal to 1, got 0", ""),
        ({"trials": 1.5}, "8 3", "study.search.trials", ""),
        ({"train": {"batch": 8, "epocs": 4}}, "20 7", "study.train: unknown key 'epocs'", "did you mean 'epochs'?"),
        ({"train": {"augment": ["crop", {"turn": 1}]}}, "28 1", "unknown 'turn'", ""),
        ({"train": [1]}, "1 5", "study.train: should be a mapping of settings, got [1]", ""),
        ({"objectives": [{"maximize": "speed"}]}, "1 10", "unknown objective 'speed'", ""),
    ],
)
def test_a_wrong_keyword_is_quoted_at_its_place(path, keywords, place, message, help):
    with pytest.raises(bs.BlockspaceError) as caught:
        load_study(path, keywords=keywords)
    (mistake,) = caught.value.mistakes
    assert message in mistake.message and help in (mistake.help or "")
    assert mistake.mark.source.path == "<argument>" and mistake.mark.source.text.startswith(next(iter(keywords)) + "=")
    assert f"{mistake.mark.column} {mistake.mark.length}" == place


def test_all_wrong_settings_are_reported_at_once(path):
    with pytest.raises(bs.BlockspaceError) as caught:
        bs.search(path, ["=3"], trails=4, trials=0, out=Path("run"))
    assert len(caught.value.mistakes) == 3 and caught.value.exit_code == 2


def test_settings_of_a_training(tmp_path):
    config = resolve_training("resnet20", keywords={"train": {"epochs": 3}, "seed": 4, "out": tmp_path / "run", "n": 1})
    assert (config.options.train.epochs, config.options.seed, config.folder) == (3, 4, tmp_path / "run")
    assert len(config.graph.nodes) < len(resolve_training("resnet20").graph.nodes)
    (tmp_path / "recipe.yaml").write_text("epochs: 7\nbatch: 40\n")
    recipe = resolve_training("resnet20", ["train.epochs=2"], tmp_path / "recipe.yaml", {"train": {"batch": 16}}).options.train
    assert (recipe.epochs, recipe.batch) == (2, 16)


@pytest.mark.parametrize(
    ("keywords", "message", "help"),
    [
        ({"epochs": 3}, "resnet20 has no param 'epochs'", "train={'epochs': VALUE}"),
        ({"widht": 3}, "resnet20 has no param 'widht'", ""),
        ({"train": {"epocs": 3}}, "training.train: unknown key 'epocs'", "did you mean 'epochs'?"),
        ({"seed": "x"}, "training.seed", ""),
    ],
)
def test_a_wrong_setting_of_a_training(keywords, message, help):
    with pytest.raises(bs.BlockspaceError) as caught:
        resolve_training("resnet20", keywords=keywords)
    assert message in caught.value.mistakes[0].message and help in (caught.value.mistakes[0].help or "")
