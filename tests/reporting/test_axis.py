"""Axes: everything is inside, ticks are round, and a scale turns logarithmic over a decade."""

from __future__ import annotations

import math

from hypothesis import given, strategies as st

from blockspace.quantities import find_quantity
from blockspace.reporting.html.charts.axis import make_axis

NUMBERS = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-9)


def words(value: float) -> str:
    return f"{value:.4g}"


@given(st.lists(NUMBERS, max_size=20))
def test_all_values_are_on_the_axis_in_order(values):
    found = make_axis(values, 60, 700, words)
    places = [found(v) for v in sorted(values)]
    assert all(60 <= p <= 700 for p in places) and places == sorted(places)
    assert found.low < found.high and all(found.low <= v <= found.high for v in values)


@given(st.lists(NUMBERS, max_size=20))
def test_ticks_are_inside_and_told_apart(values):
    found = make_axis(values, 60, 700, words)
    assert len({v for v, _ in found.ticks}) == len(found.ticks) <= 16
    room = (found.high - found.low) * 1e-6
    assert all(found.low - room <= v <= found.high + room for v, _ in found.ticks)


def test_a_span_of_more_than_a_decade_is_logarithmic():
    assert make_axis([1e6, 2e7], 0, 1, words).log and not make_axis([1e6, 9e6], 0, 1, words).log
    assert not make_axis([-1, 100], 0, 1, words).log
    found = make_axis([1e6, 2e7], 0, 100, words)
    assert math.isclose(found(2e6) - found(1e6), found(2e7) - found(1e7))


def test_ticks_are_round_numbers():
    assert [t for _, t in make_axis([0.61, 1.54], 0, 1, find_quantity("latency").format_tick).ticks] == ["0.6", "0.8", "1", "1.2", "1.4"]
    assert [t for _, t in make_axis([1.2e6, 3e7], 0, 1, find_quantity("macs").format_tick).ticks] == ["2M", "5M", "10M", "20M"]
    assert [v for v, _ in make_axis([97.1, 98.4], 0, 1, words).ticks] == [97.2, 97.4, 97.6, 97.8, 98, 98.2, 98.4]


def test_numbers_have_their_units():
    assert find_quantity("val_acc").format_with_unit(0.9751) == "97.51 %"
    assert find_quantity("latency").format_with_unit(0.8446) == "0.845 x baseline"
    assert find_quantity("macs").format_with_unit(4_468_224) == "4.468M macs"
    assert find_quantity("macs").format_exact(4_468_224) == "4,468,224"
    assert find_quantity("something").format_with_unit(0.5) == "0.5 something"


def test_equal_values_have_an_axis_with_room_on_both_sides():
    """The differences of a saturated study are all 0; extreme values must not overflow either."""
    for values in ([0.0], [0.0, 0.0, 0.0], [-0.0], [5e-324], [1.7e308, -1.7e308], [float("nan"), float("inf")]):
        for zero in (False, True):
            found = make_axis(values, 0, 100, words, zero=zero)
            assert found.low < found.high and math.isfinite(found.high - found.low) and found.ticks
    assert make_axis([0.0, 0.0], 0, 100, words, zero=True)(0.0) == 50
