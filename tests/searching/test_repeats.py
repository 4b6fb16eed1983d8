"""Independent searches of one study in one run directory: nothing crosses, numbers run through, a kill at any step is harmless."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace

import optuna
import pytest
from fakes import OBJECTIVES, FakeSpace, search_fakes

from blockspace.errors import BlockspaceError
from blockspace.executors import LocalExecutor
from blockspace.options import validate
from blockspace.records import RunDir, SearchEnded, SearchOpened
from blockspace.searching import ResultCache, SearchOptions, derive_repeat_seed, derive_training_seed, read_stored_study
from blockspace.searching.numbering import SEGMENTS, TrialNumbers, name_repeat, read_numbers, split_repeat
from blockspace.searching.storage import may_follow

PLAN = {"sampler": "tpe", "trials": 6, "workers": 1, "per_choice": {"block": "equal"}}


@pytest.fixture(scope="module")
def workers():
    with LocalExecutor(1, [], grace=1.0) as workers:
        yield workers


def search(folder, workers, repeat=0, trials=6, repeats=3, **rest):
    return search_fakes(folder, workers, SearchOptions(**{**PLAN, "trials": trials, "repeats": repeats}), repeat=repeat, **rest)


def plain(rows):
    return [replace(row, started=None, ended=None, seconds=0.0) for row in rows]


@pytest.fixture(scope="module")
def three(tmp_path_factory, workers):
    """A folder with three whole searches, and their records."""
    folder = tmp_path_factory.mktemp("three")
    return folder, [search(folder, workers, repeat) for repeat in range(3)]


@pytest.fixture(scope="module")
def first(tmp_path_factory, workers):
    """A folder with the first of three searches."""
    folder = tmp_path_factory.mktemp("first")
    search(folder, workers)
    return folder


# what a repeat is


def test_the_first_search_of_several_is_the_only_search_of_one(tmp_path, workers, three):
    alone = search(tmp_path, workers, repeats=1)
    assert plain(alone) == plain(three[1][0])


def test_searches_draw_and_train_with_seeds_of_their_own(three):
    _, found = three
    chosen = [[row.params for row in rows] for rows in found]
    assert chosen[0] != chosen[1] != chosen[2] != chosen[0]
    for repeat, rows in enumerate(found):
        seed = derive_repeat_seed(0, repeat)
        assert {row.repeat for row in rows} == {repeat}
        assert all(row.seed == derive_training_seed(seed, row.key) for row in rows if row.state == "trained")
    assert derive_repeat_seed(7, 0) == 7 and len({derive_repeat_seed(7, repeat) for repeat in range(100)}) == 100


def test_a_network_found_twice_is_trained_twice(three):
    folder, found = three
    keys = [{row.key for row in rows if row.state == "trained"} for rows in found]
    both = keys[0] & keys[1]
    assert both, "the space is small enough for some"
    for key in both:
        ran = [row.number for rows in found[:2] for row in rows if row.key == key and row.state == "trained"]
        assert len(ran) == 2 and all((RunDir(folder).trial(number).path / "ran.txt").is_file() for number in ran)
    for rows in found:
        numbers = {row.number for row in rows}
        assert {row.duplicate_of for row in rows if row.duplicate_of is not None} <= numbers


def test_numbers_run_through_and_are_read_again(three):
    folder, found = three
    everything = [row for rows in found for row in rows]
    assert [row.number for row in everything] == list(range(len(everything)))
    stored = read_stored_study(folder)
    assert stored.name == "fake" and stored.objectives == OBJECTIVES and stored.ended == {0: 6, 1: 6, 2: 6}
    assert plain(stored.records) == plain(everything)


def test_each_search_tries_the_seeds_and_tells_its_number(tmp_path, workers):
    initial = [{"block": "hs", "width": 3, "splits": 5}]
    told = []
    for repeat in (0, 1):
        rows = search(tmp_path, workers, repeat, trials=2, initial=initial, on_event=told.append)
        assert rows[0].params == initial[0]
    opened, ended = ([event.as_dict() for event in told if isinstance(event, kind)] for kind in (SearchOpened, SearchEnded))
    assert ["repeat" in event for event in opened] == [False, True] and opened[1]["repeat"] == ended[1]["repeat"] == 1
    assert [event["trained"] for event in opened] == [0, 0]


# more of them later


def test_trials_may_grow_and_no_number_changes(tmp_path, workers, three):
    before = [row for repeat in (0, 1) for row in search(tmp_path, workers, repeat, trials=4, repeats=2)]
    grown = [search(tmp_path, workers, repeat, trials=6, repeats=2) for repeat in (0, 1)]
    stored = read_stored_study(tmp_path)
    assert [row.number for row in stored.records] == list(range(sum(map(len, grown))))
    old = {row.number: row for row in plain(before)}
    assert [row for row in plain(stored.records) if row.number in old] == list(old.values())
    for repeat, own in enumerate(grown):
        assert own == [row for row in stored.records if row.repeat == repeat]
        assert min(row.number for row in own if row.number not in old) >= len(before)
        assert {row.duplicate_of for row in own if row.duplicate_of is not None} <= {row.number for row in own}
        same, expected = ([replace(row, number=0, duplicate_of=None) for row in plain(rows)] for rows in (own, three[1][repeat]))
        assert same == expected, "it draws what it would have drawn"


@pytest.mark.parametrize("first, then, is_allowed", [
    (1, 5, True), (1, "up to 6", True), (3, 5, True), ("up to 6", "up to 12", True), (3, 3, True), ("up to 6", "up to 6", True),
    (5, 3, False), (5, 1, False), (3, "up to 6", False), ("up to 6", 6, False), ("up to 6", 12, False), ("up to 6", "up to 3", False),
])  # fmt: skip
def test_repeats_may_only_grow(first, then, is_allowed):
    assert may_follow(first, then) is is_allowed


def test_fewer_repeats_are_refused_and_more_are_remembered(tmp_path, workers):
    for repeats in (3, 5):
        search(tmp_path, workers, trials=2, repeats=repeats)
    with pytest.raises(BlockspaceError, match="search.repeats: 5 -> 3 .may only grow") as caught:
        search(tmp_path, workers, trials=2, repeats=3)
    assert caught.value.mistakes[0].code == "E-CHANGED"


# a kill between any two steps: what is in the database then is all that the next start knows


class Killed(BaseException):
    """The driver's end: nothing handles it."""


STEPS = {
    "before the numbers are stored": ("blockspace.searching.numbering.TrialNumbers.reserve", False),
    "after the numbers are stored": ("blockspace.searching.numbering.TrialNumbers.reserve", True),
    "between queueing and asking": ("optuna.Study.enqueue_trial", True),
    "after asking": ("optuna.Study.ask", True),
    "before a result is told": ("optuna.Study.tell", False),
    "after a result is told": ("optuna.Study.tell", True),
}


def kill_at(monkeypatch, target: str, after: bool, call: int) -> None:
    """Let the `call`-th call of a function end the driver, before or after what it does."""
    owner, _, name = target.rpartition(".")
    holder = optuna.Study if owner == "optuna.Study" else TrialNumbers
    original, calls = getattr(holder, name), []

    def counted(*args, **options):
        calls.append(name)
        if len(calls) == call and not after:
            raise Killed
        value = original(*args, **options)
        if len(calls) == call:
            raise Killed
        return value

    monkeypatch.setattr(holder, name, counted)


CALLS = [*((step, 1) for step in STEPS), *(pytest.param(step, 4, marks=pytest.mark.slow) for step in STEPS)]


@pytest.mark.parametrize("step, call", CALLS)
def test_a_killed_second_search_goes_on_as_if_nothing_had_been(tmp_path, workers, three, first, monkeypatch, step, call):
    folder = shutil.copytree(first, tmp_path / "run")
    with monkeypatch.context() as patch:
        kill_at(patch, *STEPS[step], call)
        with pytest.raises(Killed):
            search(folder, workers, 1)
    assert plain(search(folder, workers, 1)) == plain(three[1][1])


@pytest.mark.parametrize("step", [
    pytest.param(step, marks=[] if step in ("after the numbers are stored", "between queueing and asking") else pytest.mark.slow)
    for step in STEPS
])  # fmt: skip
def test_a_first_search_that_grows_while_the_second_is_killed_keeps_numbers_apart(tmp_path, workers, monkeypatch, step):
    search(tmp_path, workers, 0, trials=2)
    for repeat, trials, call in ((1, 2, 2), (0, 4, 1)):
        with monkeypatch.context() as patch:
            kill_at(patch, *STEPS[step], call)
            with pytest.raises(Killed):
                search(tmp_path, workers, repeat, trials=trials)
    before = {row.number: row.params for row in read_stored_study(tmp_path).records if row.state == "trained"}
    for repeat in (0, 1):
        search(tmp_path, workers, repeat, trials=4)
    records = read_stored_study(tmp_path).records
    assert [row.number for row in records] == list(range(len(records))) and not any(row.state == "running" for row in records)
    assert all(records[number].params == params for number, params in before.items())
    assert [sum(row.state == "trained" and row.repeat == repeat for row in records) for repeat in (0, 1)] == [4, 4]


class FakeStudy:
    """A study as far as numbers concern it: its attributes, and how many trials it has."""

    def __init__(self):
        self.user_attrs, self.trials = {}, 0

    def set_user_attr(self, name, value):
        self.user_attrs[name] = [list(segment) for segment in value]


def test_numbers_are_those_of_the_order_in_which_trials_are_asked_for():
    """Against counting: searches that ask in any order, each start knowing only what is stored."""
    dice = random.Random(0)
    for _ in range(200):
        studies = [FakeStudy() for _ in range(dice.randint(1, 4))]
        asked: list[tuple[int, int]] = []
        repeat = 0
        for _ in range(30):
            if not asked or dice.random() < 0.3:
                repeat = dice.randrange(len(studies)) if asked else 0
            own = studies[repeat]
            numbers = read_numbers(own, repeat, sum(one.trials for one in studies) - own.trials)
            numbers.reserve(own, own.trials)
            if dice.random() < 0.2:
                continue  # killed before the trial exists
            asked.append((repeat, own.trials))
            own.trials += 1
        for number, (repeat, local) in enumerate(asked):
            assert read_numbers(studies[repeat], repeat, 0).find(local) == number
    alone = FakeStudy()
    for local in range(50):
        read_numbers(alone, 0, 0).reserve(alone, local)
    assert SEGMENTS not in alone.user_attrs, "studies of one search store nothing"


def test_names_in_the_database_tell_the_search():
    assert [split_repeat(name_repeat("hs.repeat-1", repeat)) for repeat in (0, 1, 12)] == [("hs.repeat-1", n) for n in (0, 1, 12)]
    assert name_repeat("tiny", 0) == "tiny"


def test_a_damaged_number_is_a_damaged_database(tmp_path, workers):
    for repeat in (0, 1):
        search(tmp_path, workers, repeat, trials=2)
    study = optuna.load_study(study_name=name_repeat("fake", 1), storage=f"sqlite:///{tmp_path / 'study.db'}")
    study.set_user_attr(SEGMENTS, [["x", 1]])
    with pytest.raises(BlockspaceError, match="blockspace:numbers") as caught:
        search(tmp_path, workers, 1, trials=2)
    assert caught.value.mistakes[0].code == "E-STORE"


# results of other runs, the end of a search, the setting


def test_results_are_taken_over_by_the_same_search_only(three):
    folder, found = three
    cache = ResultCache()
    trained = [row for rows in found for row in rows if row.state == "trained"]
    assert cache.add(folder, "runs/there", trained, 0, {}) == (18, 0) and len(cache.results) == 18
    assert {key for key, _ in cache.results} == {row.key for row in trained}
    assert set(cache.results) == {(row.key, derive_training_seed(derive_repeat_seed(0, row.repeat), row.key)) for row in trained}


def test_a_search_without_a_network_is_marked_as_ended(tmp_path, workers):
    with pytest.raises(BlockspaceError, match="none of"):
        search_fakes(tmp_path, workers, SearchOptions(trials=2, proposals=2), FakeSpace(limit=1))
    assert read_stored_study(tmp_path).ended == {0: 2}


@pytest.mark.parametrize("given, count, is_sequential, looks", [
    (1, 1, False, (1,)), (5, 5, False, (5,)), (1000, 1000, False, (1000,)), ("up to 3", 3, True, (3,)), ("up  to 4", 4, True, (3, 4)),
    ("up to 12", 12, True, (3, 6, 12)), ("up to 20", 20, True, (3, 6, 12, 20)), ("1k", 1000, False, (1000,)),
])  # fmt: skip
def test_repeats_are_a_count_or_up_to_one(given, count, is_sequential, looks):
    options = validate(SearchOptions, {"repeats": given}, "search")
    assert (options.repeat_count, options.is_sequential, options.looks) == (count, is_sequential, looks)


@pytest.mark.parametrize("given", [0, -1, 1001, 2.5, True, "many", "up to 2", "up to", "up to 1001", "5s", None, [3]])
def test_other_repeats_are_one_line_with_the_right_form(given):
    with pytest.raises(BlockspaceError) as caught:
        validate(SearchOptions, {"repeats": given}, "search")
    assert len(caught.value.mistakes) == 1 and "search.repeats" in str(caught.value)
    if given != "5s":
        assert "`up to N`" in str(caught.value) and "repeats: up to 12" in (caught.value.mistakes[0].help or "")
