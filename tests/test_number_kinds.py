"""Numbers with units: each kind takes its own, and refuses every other instead of dropping it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from cases import try_each

from blockspace import units
from blockspace.errors import BlockspaceError

KINDS = [kind for kind in vars(units).values() if isinstance(kind, units.NumberKind)]
EVERY_UNIT = sorted({*units.OWNERS, "px", "d", "sec", "minutes", "m", "Hz", "e"})


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("500ms", units.TIME, Fraction(1, 2)), ("90", units.TIME, 90), ("90s", units.TIME, 90), ("1.5 min", units.TIME, 90),
        ("2h", units.TIME, 7200), ("1e3ms", units.TIME, 1), ("60M", units.COUNT, 60_000_000), ("0.5k", units.COUNT, 500),
        ("1e3", units.COUNT, 1000), ("50%", units.SHARE, Fraction(1, 2)), ("4MiB", units.BYTES_COST, 4 * 2**20),
        ("1.5 GB", units.BYTES_COST, 1_500_000_000), ("512KiB", units.BYTES_COST, 2**19), ("100B", units.BYTES_COST, 100),
        (".5kB", units.BYTES_COST, 500), ("4M", units.BYTES_COST, 4_000_000), ("130%", units.BASELINE_RATIO, Fraction(13, 10)),
        ("5e-4", units.PLAIN, Fraction(1, 2000)), ("-3", units.PLAIN, -3),
    ],
)  # fmt: skip
def test_a_text_is_read_exactly(text, kind, value):
    assert units.parse_measure(text, kind) == value


def check_unit(kind: units.NumberKind, unit: str) -> None:
    text = f"3{unit}"
    if unit in kind.units:
        assert units.parse_measure(text, kind) == 3 * Fraction(*kind.units[unit])
        return
    with pytest.raises(BlockspaceError) as caught:
        units.parse_measure(text, kind)
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-VALUE" and repr(text) in mistake.message and kind.name in mistake.message and mistake.help


def test_a_unit_is_taken_or_refused_and_never_dropped():
    try_each(check_unit, product(KINDS, EVERY_UNIT))


@pytest.mark.parametrize("text", ["", "auto", "3x3", "MiB", "1.2.3", "1e", "0x10", "k", "--3", "3 4", "9" * 600, "three", "1_000"])
def test_other_texts_are_no_numbers(text):
    assert text == "1e" or units.parse_measure(text, units.COUNT) is None


@pytest.mark.parametrize("text, code", [("010", "E-SCALAR"), ("1:30", "E-SCALAR"), ("1e300k", "E-EXPR"), ("010k", "E-SCALAR")])
def test_traps_are_refused(text, code):
    with pytest.raises(BlockspaceError) as caught:
        units.parse_measure(text, units.COUNT)
    assert caught.value.mistakes[0].code == code


@pytest.mark.parametrize("text, value", [("8k", 8000), ("50%", Fraction(1, 2)), ("3x", None), ("5px", None), ("4B", None), ("word", None)])
def test_a_networks_words_stay_words(text, value):
    assert units.parse_number(text) == value


@pytest.mark.parametrize("text", ["3s", "20ms"])
def test_a_network_has_no_times(text):
    with pytest.raises(BlockspaceError, match="is a time"):
        units.parse_number(text)
