"""What is said after two, three and more searches: of which unit, with which verdict, how sure, and what is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from repeats import searched

from blockspace.reporting import Circumstances, Interval, answer_json, answer_table, compare_families, read_answer

GOOD, BAD = (0.97, 0.972, 0.968, 0.971, 0.969), (0.93, 0.932, 0.928, 0.931, 0.929)


def test_three_searches_say_what_is_found_in_a_family():
    answer = compare_families(searched("hs", GOOD) + searched("resnext", BAD), searched("baseline", (0.93,))[0])
    (only,) = answer.differences
    points, low, high = (f"{100 * value:.1f}" for value in (only.accuracy.estimate, only.accuracy.low, only.accuracy.high))
    interval = f"(95 % {low} to {high}, all 3 statements together; 5 searches each, 897 images, 3 seeds)"
    said = f"networks found in hs are better than those found in resnext by {points} points of accuracy {interval} at equal macs"
    assert answer.sentence() == said and only.verdict == "better" and only.unit == "search" and answer.is_decided
    assert answer.repeats == {"hs": 5, "resnext": 5}
    assert answer.sentences()[1].startswith("networks found in hs are better than the baseline by ")
    assert "5 searches, 897 images" in answer.sentences()[1]


def test_whoever_is_better_comes_first():
    rows = searched("resnext", BAD) + searched("hs", GOOD)
    assert compare_families(rows).sentence().startswith("networks found in hs are better than those found in resnext by ")
    base = compare_families(searched("hs", BAD), searched("baseline", (0.98,))[0]).sentence()
    assert base.startswith("the baseline is better than networks found in hs by ")
    base = compare_families(searched("hs", BAD), searched("baseline", (0.98,))[0], margin=0.5).sentence()
    assert base.startswith("the baseline is better than networks found in hs, by less than the margin of 50 points: by ")
    (only,) = compare_families(searched("hs", BAD), searched("baseline", (0.98,))[0]).against_baseline
    unsure = Interval(-0.002, -0.01, 0.006, 0.5)
    said = replace(only, accuracy=unsure, equality=unsure).sentence()
    assert said.startswith("the baseline and networks found in hs: undecided, up to 1.0 points of accuracy is not excluded (difference 0.2")


def test_equal_is_said_where_the_whole_interval_is_inside_the_margin():
    rows = searched("hs", GOOD) + searched("resnext", GOOD)
    wide = compare_families(rows, margin=0.03)
    assert wide.differences[0].verdict == "equal" and wide.is_decided
    assert wide.sentence().startswith("networks found in hs and in resnext are equal within 3 points of accuracy (difference ") or (
        wide.sentence().startswith("networks found in resnext and in hs are equal within 3 points of accuracy (difference ")
    )
    assert ", 90 % " in wide.sentence()
    narrow = compare_families(rows, margin=0.0005)
    assert narrow.differences[0].verdict == "undecided" and not narrow.is_decided
    assert ": undecided, up to " in narrow.sentence() and "is not excluded (difference " in narrow.sentence()
    assert narrow.sentence().endswith("would show 0.05") or narrow.sentence().endswith("might not show 0.05")


def test_better_by_less_than_the_margin():
    answer = compare_families(searched("hs", GOOD) + searched("resnext", BAD), margin=0.08)
    assert answer.differences[0].verdict == "better, by less than the margin"
    assert ", by less than the margin of 8 points: by " in answer.sentence() and "are better than those found in" in answer.sentence()


@pytest.mark.parametrize(
    "needed, words",
    [
        ((6, 20), "; 6 to 20 searches would show 0.5"), ((2, 7), "; 5 to 7 searches would show 0.5"),
        ((8, 8), "; 8 searches would show 0.5"),
        ((9, None), "; 9 searches or more would show 0.5"), ((3, 4), "; as many searches would show 0.5 in 4 of 5 such studies"),
        ((None, None), "; even 200 searches might not show 0.5"),
    ],
)  # fmt: skip
def test_what_would_decide_it(needed, words):
    (only,) = compare_families(searched("hs", GOOD) + searched("resnext", BAD)).differences
    open_one = replace(only, accuracy=Interval(0.002, -0.004, 0.009, 0.3), equality=Interval(0.002, -0.003, 0.008, 0.3))
    said = replace(open_one, searches_needed=needed).sentence()
    assert "networks found in hs and in resnext: undecided, up to 0.9 points of accuracy is not excluded" in said and said.endswith(words)


def test_two_searches_give_an_interval_and_no_verdict():
    (only,) = compare_families(searched("hs", GOOD[:2]) + searched("resnext", BAD[:2])).differences
    said = only.sentence()
    assert only.verdict is None and only.unit == "network" and only.over_searches is not None
    assert said.startswith("these 2 hs networks score ") and "over the 2 searches the difference is " in said
    assert said.endswith("which is no verdict: `search.repeats=5` could") and "better" not in said


def test_a_family_with_fewer_searches_is_named_and_below_three_nothing_is_said_of_it():
    answer = compare_families(searched("hs", GOOD) + searched("resnext", BAD[:3]) + searched("mine", BAD[:2]))
    first, second, third = answer.sentences()
    assert "5 searches of hs, 3 of resnext, 897 images" in first and answer.repeats == {"hs": 5, "resnext": 3, "mine": 2}
    for one in (second, third):
        assert "better" not in one and "mine has networks of 2 searches, and a statement of families needs 3" in one
    assert not answer.is_decided


def test_a_search_that_is_not_finished_is_in_no_statement_and_is_named():
    rows = searched("hs", GOOD) + searched("resnext", BAD)
    answer = compare_families(rows, circumstances=Circumstances(open_repeats=(4,)))
    assert answer.repeats == {"hs": 4, "resnext": 4} and answer.remarks() == ["search 5 is not finished, and is in no statement"]
    assert "search 5 is not finished, and is in no statement." in answer_table(answer)
    begun = compare_families(searched("hs", GOOD[:1]), circumstances=Circumstances(open_repeats=(0,)))
    assert begun.repeats == {"hs": 1} and begun.remarks() == []


def test_one_validation_split_is_said():
    rows = searched("hs", GOOD) + searched("resnext", BAD)
    said = compare_families(rows, circumstances=Circumstances(one_validation_split=True)).sentence()
    assert "3 seeds, chosen on one validation split)" in said


def test_more_statements_make_each_interval_wider():
    rows = searched("hs", GOOD) + searched("resnext", BAD)
    alone, among = compare_families(rows).differences[0], compare_families(rows + searched("mine", GOOD)).differences[0]
    assert alone.statements == 1 and among.statements == 3 and "together" not in alone.sentence()
    assert among.accuracy.high - among.accuracy.low > alone.accuracy.high - alone.accuracy.low


def test_the_search_gains_over_the_average_network_of_its_space():
    random = searched("hs", (0.90, 0.91, 0.92), seed=3, is_random=True)
    answer = compare_families(searched("hs", GOOD) + random)
    (gain,) = answer.gains
    assert gain.statements == 1 and answer.differences == () and answer.repeats == {"hs": 5}
    assert answer.sentences()[0].startswith("in hs, the search gains ")
    assert "over the average network of the hs space (95 % " in gain.sentence()
    assert "5 searches, 3 random networks, 897 test images, 3 seeds)" in gain.sentence()
    assert compare_families(searched("hs", GOOD) + random[:2]).gains == ()


def test_with_one_search_a_gain_is_of_these_networks_and_no_verdict():
    random = searched("hs", (0.90, 0.91, 0.92), seed=3, is_random=True)
    (gain,) = compare_families(searched("hs", GOOD[:1]) + random).gains
    assert gain.verdict is None and gain.unit == "network"
    assert gain.sentence().startswith("this hs network scores ") and "gains" not in gain.sentence()
    assert "other images, seeds and random networks, not other searches; 3 random networks) on 897" in gain.sentence()


def test_the_level_of_later_looks():
    assert [Circumstances(look=k).compute_level(0.95) for k in (1, 2, 3)] == pytest.approx([0.95, 0.9875, 0.99375])
    assert [Circumstances(look=k, is_sequential=True).compute_level(0.95) for k in (1, 2, 3)] == pytest.approx([0.975, 0.9875, 0.99375])
    rows = searched("hs", GOOD) + searched("resnext", BAD)
    again = compare_families(rows, circumstances=Circumstances(look=3))
    assert "(99.38 % " in again.sentence() and again.remarks()[0].startswith("extended after 2 answers: the intervals are at 99.38 %")
    begun = compare_families(rows, circumstances=Circumstances(look=1, is_sequential=True))
    assert "(97.5 % " in begun.sentence() and begun.remarks()[0].startswith("answer 1 of a study that goes on until it is decided")
    one = compare_families(searched("hs", GOOD[:1]) + searched("resnext", BAD[:1]), circumstances=Circumstances(look=1, is_sequential=True))
    assert "(95 % " in one.sentence() and one.remarks() == []


def test_an_answer_of_searches_survives_its_file():
    random = searched("hs", (0.90, 0.91, 0.92), seed=3, is_random=True)
    rows = searched("hs", GOOD) + searched("resnext", BAD) + searched("mine", GOOD[:2]) + searched("more", GOOD[:2]) + random
    one = compare_families(rows, searched("baseline", (0.95,))[0], margin=0.0005, circumstances=Circumstances(look=2, open_repeats=(6,)))
    assert read_answer(answer_json(one)) == one
    assert json.loads(answer_json(one))["sentences"] == one.sentences()


def test_an_answer_of_the_first_format_is_one_search():
    one = compare_families(searched("hs", GOOD[:1]) + searched("resnext", BAD[:1]), searched("baseline", (0.95,))[0])
    content = json.loads(answer_json(one))
    new = "kind unit networks searches statements margin equality over_searches searches_needed one_validation_split".split()
    for name in ("gains", "repeats", "level", "look", "is_sequential", "open_repeats", "remarks"):
        del content[name]
    for part in ("differences", "against_baseline"):
        content[part] = [{key: value for key, value in difference.items() if key not in new} for difference in content[part]]
    assert read_answer(json.dumps(content | {"format": "blockspace/answer/1"})) == one
