"""Looks: each answer about families is one, the same answer again is none."""

from __future__ import annotations

import pytest
from repeats import searched

from blockspace.errors import StorageError
from blockspace.reporting import compare_families, number_look, read_looks, record_look

GOOD, BAD = (0.97, 0.972, 0.968, 0.971, 0.969), (0.93, 0.932, 0.928, 0.931, 0.929)


def answer(count):
    return compare_families(searched("hs", GOOD[:count]) + searched("resnext", BAD[:count]))


def test_answers_about_families_are_counted(tmp_path):
    place = tmp_path / "looks.json"
    assert read_looks(place) == [] and number_look([], {"hs": 1}) == 1
    for count, number in ((1, 1), (2, 1), (3, 1), (3, 1), (5, 2), (5, 2), (3, 1)):  # the last as in a resumed study
        one = answer(count)
        assert number_look(read_looks(place), one.repeats) == number
        record_look(place, one)
    assert [(dict(look.repeats), look.is_about_families) for look in read_looks(place)] == [
        ({"hs": n, "resnext": n}, n >= 3) for n in (1, 2, 3, 5)
    ]


def test_a_file_that_is_no_list_of_looks(tmp_path):
    place = tmp_path / "looks.json"
    for text in ("", "[]", '{"format": "other"}', '{"format": "blockspace/looks/1", "looks": [{"a": 1}]}'):
        place.write_text(text)
        with pytest.raises(ValueError):
            read_looks(place)
        with pytest.raises(StorageError):
            record_look(place, answer(1))
