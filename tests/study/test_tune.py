"""`tune:`: which recipes are tried, every mistake at its place, what is chosen, and that a run directory keeps to it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scipy.stats import rankdata
from study import tiny

from blockspace.data import preflight
from blockspace.errors import BlockspaceError, StorageError
from blockspace.executors import Result
from blockspace.records import FinalistTrained, RecipeTried, RunDir, TrialState, Warned
from blockspace.searching import derive_seed, derive_training_seed
from blockspace.study import load_study, resolve_study
from blockspace.study.recipe_tuning import tune_recipe
from blockspace.study.training_facts import recipe_of_place
from blockspace.study.tune_options import make_recipes
from blockspace.study.tuned_recipes import TunedRecipes, read_tuned_recipes, write_tuning
from blockspace.training import Recipe

GRID = "tune.grid.optimizer.sgd.lr=[0.01, 0.1, 0.3]"


def write(folder, *lines: str):
    path = tiny.write(folder)
    path.write_text(path.read_text() + "".join(f"{line}\n" for line in lines))
    return path


def recipes_of(path, *texts: str):
    study = load_study(path, texts)
    return make_recipes(study.options.train, study.options.tune, study.mark_of)


def test_a_grid_is_every_combination_in_its_written_order(tmp_path):
    path = write(tmp_path, "tune: {grid: {optimizer.adamw.lr: [0.001, 0.003], label_smoothing: [0, 10%]}}")
    found = recipes_of(path)
    assert [(one.optimizer.lr, one.label_smoothing) for one in found] == [(0.001, 0), (0.001, 0.1), (0.003, 0), (0.003, 0.1)]
    train = load_study(path).options.train
    assert all(one.optimizer.kind == "adamw" and (one.epochs, one.batch) == (train.epochs, train.batch) for one in found)


def test_recipes_are_listed_one_by_one_too(tmp_path):
    found = recipes_of(write(tmp_path, "tune: {recipes: [{optimizer.sgd.lr: 0.2, mixup: true}, {optimizer: adamw, augment: [flip]}]}"))
    assert [(one.optimizer.kind, one.mixup is not None, len(one.augment)) for one in found] == [("sgd", True, 0), ("adamw", False, 1)]


def test_the_command_line_and_keywords_set_the_same(tmp_path):
    path = tiny.write(tmp_path)
    told = load_study(path, [GRID, "tune.per=family"]).options.tune
    assert told == load_study(path, keywords={"tune": {"grid": {"optimizer.sgd.lr": [0.01, 0.1, 0.3]}, "per": "family"}}).options.tune
    assert told.per == "family" and told.list_changes()[2] == {"optimizer.sgd.lr": 0.3}
    assert load_study(path).options.tune is None


@pytest.mark.parametrize("tune, code, words, help", [
    ("{}", "E-TYPE", "at least two recipes", "grid: {optimizer.adamw.lr: [0.001, 0.003]}"),
    ("{grid: {label_smoothing: [0.1]}}", "E-TYPE", "at least two recipes", "grid:"),
    ("{grid: {label_smoothing: 0.1}}", "E-TYPE", "label_smoothing should be a list of values to try, got 0.1", "[0.001, 0.003]"),
    ("{grid: {optimizer: {adamw: {lr: [1, 2]}}}}", "E-TYPE", "optimizer is a mapping", "optimizer.adamw: [0.001"),
    ("{grid: {clip_norm: [1, 2]}, recipes: [{mixup: true}]}", "E-TYPE", "both grid and recipes", "one of them"),
    ("{grid: {epochs: [1, 2]}}", "E-KEY", "epochs is the same for all recipes", "set train.epochs"),
    ("{grid: {workers: [1, 2]}}", "E-KEY", "workers is the same for all recipes", "set train.workers"),
    ("{grid: {optimiser.sgd.lr: [1, 2]}}", "E-KEY", "unknown key 'optimiser.sgd.lr'", "optimizer"),
    ("{grid: {optimizer.sgd.rate: [1, 2]}}", "E-KEY", "unknown key 'rate'", "lr"),
    ("{grid: {clip_norm: [1, -2]}}", "E-TYPE", "tune.clip_norm", None),
    ("{grid: {clip_norm: [1, 2, 1]}}", "E-TYPE", "recipes 1 and 3 are the same", "leave one of them out"),
    ("{grid: {clip_norm: [1, 2]}, per: block}", "E-TYPE", "tune.per", None),
])  # fmt: skip
def test_mistakes_have_a_place_and_a_next_step(tmp_path, tune, code, words, help):
    with pytest.raises(BlockspaceError) as caught:
        load_study(write(tmp_path, f"tune: {tune}"))
    mistake = caught.value.mistakes[0]
    assert mistake.code == code and words in mistake.message and (help is None or help in (mistake.help or "")), mistake
    assert len(caught.value.mistakes) == 1 and mistake.mark is not None and mistake.mark.line == tiny.STUDY.count("\n") + 1


def test_the_wrong_value_of_a_grid_is_pointed_at(tmp_path):
    with pytest.raises(BlockspaceError) as caught:
        load_study(write(tmp_path, "tune:", "  grid:", "    clip_norm: [1,", "      -2]", "    label_smoothing: [0, 0.1]"))
    assert [m.mark.line for m in caught.value.mistakes] == [tiny.STUDY.count("\n") + 4]


# the choice


def tuned(scores: dict, is_per_family: bool = False, direction: str = "maximize") -> TunedRecipes:
    count = len(next(iter(scores.values())))
    changes = tuple({"optimizer.sgd.lr": place / 10} for place in range(1, count + 1))
    recipes = tuple(Recipe.model_validate({"optimizer": {"sgd": one}}) for one in ({"lr": place / 10} for place in range(1, count + 1)))
    return TunedRecipes(changes, recipes, "val_acc", direction, scores, is_per_family)


def test_the_best_mean_rank_over_the_families_wins():
    scores = {"hs": (0.9, 0.8, 0.7), "resnext": (0.1, 0.3, 0.2), "mine": (0.5, 0.6, 0.55)}
    one = tuned(scores)
    ranks = [rankdata([-v for v in values]) for values in scores.values()]
    assert one.mean_ranks(list(scores)) == pytest.approx([sum(rank[n] for rank in ranks) / 3 for n in range(3)])
    assert {one.choose(family) for family in scores} == {1} and one.recipe_of("hs").optimizer.lr == 0.2
    assert one.sentence() == (
        "recipe tuned: optimizer.sgd.lr 0.2; the best of 3 recipes by mean rank of val_acc over 3 default networks"
    )  # fmt: skip


def test_each_family_may_have_its_own():
    one = tuned({"hs": (0.9, 0.8), "resnext": (0.1, 0.3)}, is_per_family=True)
    assert (one.choose("hs"), one.choose("resnext")) == (0, 1)
    assert "for each family: hs: optimizer.sgd.lr 0.1; resnext: optimizer.sgd.lr 0.2" in one.sentence()


def test_equal_ranks_go_to_the_first_and_no_result_is_the_worst():
    assert tuned({"hs": (0.5, 0.5)}).choose("hs") == 0
    assert tuned({"hs": (None, 0.1, None)}).choose("hs") == 1
    assert tuned({"hs": (1.2, 0.7)}, direction="minimize").choose("hs") == 1
    assert tuned({"hs": (None, None), "resnext": (0.1, 0.2)}).choose("hs") == 1


def test_the_outcome_survives_its_file(tmp_path):
    run = RunDir(tmp_path)
    assert read_tuned_recipes(run) is None
    one = tuned({"hs": (0.9, None), "resnext": (0.1, 0.3)}, is_per_family=True)
    write_tuning(run, {"search": {"seed": 0}}, None)
    assert read_tuned_recipes(run) is None
    write_tuning(run, {"search": {"seed": 0}}, one)
    assert read_tuned_recipes(run) == one
    whole = run.tuning_json.read_text()
    for damaged in (whole[:50], whole.replace("0.9", '"high"'), whole.replace("0.9,", ""), whole.replace("tuning/1", "tuning/0"), "[]"):
        run.tuning_json.write_text(damaged)
        with pytest.raises(StorageError, match="damaged"):
            read_tuned_recipes(run)


# a study


class FakeJobs:
    """In place of `run_jobs`: every training reaches its recipe's learning rate, but those above 0.2 diverge."""

    def __init__(self):
        self.jobs = []

    def __call__(self, jobs, evaluate, executor, on_event):
        self.jobs += jobs
        rates = [job.options["recipe"]["optimizer"]["sgd"]["lr"] for job in jobs]
        results = [Result("trained", {"val_acc": lr}) if lr < 0.2 else Result("diverged", reason="nan") for lr in rates]
        for job in jobs:
            on_event(FinalistTrained(job.number, job.label, TrialState.TRAINED))
        return results


@pytest.fixture
def jobs(monkeypatch):
    fake = FakeJobs()
    monkeypatch.setattr("blockspace.study.recipe_tuning.run_jobs", fake)
    return fake


def start(folder, *texts: str):
    resolved = resolve_study(folder / "study.yaml", [f"out={folder / 'run'}", *texts])
    told = []
    (folder / "run").mkdir(exist_ok=True)
    return tune_recipe(resolved, preflight(resolved.study.data), None, told.append), told


def test_recipes_are_tried_on_each_familys_default_network(tmp_path, jobs):
    tiny.write(tmp_path)
    found, told = start(tmp_path, GRID, "tune.seeds=2")
    assert len(jobs.jobs) == 3 * 3 * 2 and len({job.folder for job in jobs.jobs}) == 18
    assert [type(event) for event in told].count(RecipeTried) == 18 and not any(isinstance(e, FinalistTrained) for e in told)
    defaults = [found.candidate(found.space.default({"block": choice})).key for choice in ("hs", "resnext", "mine")]
    assert [job.key for job in jobs.jobs] == [key for key in defaults for _ in range(6)]
    assert jobs.jobs[0].seed == jobs.jobs[2].seed == derive_training_seed(derive_seed("tuning", 0), defaults[0], 0) != jobs.jobs[1].seed
    assert found.recipe_of(found.baseline).optimizer.lr == 0.1 and found.options.train.optimizer.lr == 0.1 == Recipe().optimizer.lr
    assert told[-1].label == found.tuned.sentence() and found.digest()["tune"]["seeds"] == 2


def test_what_was_tuned_is_read_again_and_not_changed(tmp_path, jobs):
    tiny.write(tmp_path)
    first, _ = start(tmp_path, GRID)
    again, told = start(tmp_path, GRID)
    assert len(jobs.jobs) == 9 and again.tuned == first.tuned and len(told) == 1
    for change, line in (("search.seed=1", "search.seed: 0 -> 1"), ("tune.per=family", "tune.per"), ("train.batch=16", "batch: 32 -> 16")):
        with pytest.raises(BlockspaceError, match="since its recipe was tuned") as caught:
            start(tmp_path, GRID, change)
        assert line in str(caught.value) and caught.value.mistakes[0].code == "E-CHANGED"
    assert start(tmp_path)[0].tuned is None, "without `tune` the search itself refuses the folder"


def test_trials_of_an_untuned_study_are_not_tuned_later(tmp_path, jobs):
    tiny.write(tmp_path)
    (tmp_path / "run").mkdir()
    RunDir(tmp_path / "run").storage.touch()
    with pytest.raises(BlockspaceError, match="before `tune` was set"):
        start(tmp_path, GRID)
    assert not jobs.jobs


def test_a_family_that_nothing_trains_is_named(tmp_path, jobs):
    tiny.write(tmp_path)
    _, told = start(tmp_path, "tune.grid.optimizer.sgd.lr=[0.3, 0.4]")
    assert [event.reason for event in told if isinstance(event, Warned)] == [
        f"tune: no recipe trained the default network of {family}, so it has no say in the choice" for family in ("hs", "resnext", "mine")
    ]
    assert json.loads(RunDir(tmp_path / "run").tuning_json.read_text())["chosen"] == {"hs": 0, "resnext": 0, "mine": 0}


def test_the_facts_of_a_network_name_the_tuned_recipe(tmp_path, jobs):
    tiny.write(tmp_path)
    found, _ = start(tmp_path, GRID)
    assert recipe_of_place(RunDir(tmp_path / "run"), found.study, "hs").optimizer.lr == 0.1
    own = replace(found.tuned, is_per_family=True, scores={"hs": (0.3, 0.2, 0.1), "resnext": (0.1, 0.2, 0.3), "mine": (0.1, 0.3, 0.2)})
    write_tuning(RunDir(tmp_path / "run"), {}, own)
    assert [recipe_of_place(RunDir(tmp_path / "run"), found.study, one).optimizer.lr for one in ("hs", "resnext")] == [0.01, 0.3]
