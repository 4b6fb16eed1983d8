"""Numbers, sizes, durations and tables as text, to the letter."""

import re
from pathlib import Path

import pytest

import blockspace
from blockspace.formatting import (
    count_noun,
    format_bytes,
    format_cell,
    format_duration,
    format_mean,
    format_si,
    format_table,
    join_side_by_side,
)

PACKAGE = Path(blockspace.__file__).parent


@pytest.mark.parametrize(
    "number, text", [(0, "0"), (999, "999"), (4230479872, "4.230G"), (300774272, "300.8M"), (25557, "25.56k"), (15470264320, "15.47G")]
)
def test_si_prefixes(number, text):
    assert format_si(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0"), (9999, "9999"), (10_000, "10k"), (25_557_032, "25.56M"), (4_089_184_256, "4.089G"), (1.23456, "1.235")],
)
def test_cells_have_four_digits(value, text):
    assert format_cell(value) == text


def test_a_table_without_rows_and_with_words_in_a_column():
    assert format_table(["a", "bc"], []) == "a  bc\n-  --"
    assert format_table(["a", "n"], [["x", "1"], ["yy", "none"]]) == "a   n\n--  ----\nx   1\nyy  none"


def test_texts_side_by_side_are_aligned_at_the_top():
    assert join_side_by_side("ab\nc", "x\ny\nz", 20) == "ab   x\nc    y\n     z"
    assert join_side_by_side("ab\nc", "x\ny\nz", 5) == "ab\nc\n\nx\ny\nz"


def test_the_first_columns_are_aligned_left():
    assert format_table(["name", "n"], [["a", "10"], ["bcdef", "7"]], left=1) == "name    n\n-----  --\na      10\nbcdef   7"


@pytest.mark.parametrize(
    "value, text", [(1000, "1000 B"), (1023 * 1024, "1023 KiB"), (9_635_840, "9.189 MiB"), (2**30, "1.000 GiB"), (0, "0 B")]
)
def test_bytes_have_binary_units(value, text):
    assert format_bytes(value) == text


def test_both_styles_of_a_number():
    assert (format_si(4_470_000), format_cell(4_470_000)) == ("4.470M", "4.47M")
    assert (format_si(9_999), format_cell(9_999)) == ("9.999k", "9999")
    assert (format_si(-25_557), format_cell(-25_557)) == ("-25.56k", "-25.56k")


def test_means_and_durations():
    assert (format_mean(97.314, 0.42, 2), format_mean(0.5, None, 4)) == ("97.31 ± 0.42", "0.5000")
    assert [format_duration(seconds) for seconds in (42, 210, 7560)] == ["42 s", "3.5 min", "2.1 h"]


@pytest.mark.parametrize("count, text", [(0, "0 networks"), (1, "1 network"), (2, "2 networks"), (12345, "12,345 networks")])
def test_a_number_with_its_noun(count, text):
    assert count_noun(count, "network") == text


def test_a_plural_of_its_own():
    assert count_noun(1, "node becomes", "nodes become") == "1 node becomes" and count_noun(3, "family", "families") == "3 families"


def test_plurals_are_made_in_one_place():
    own = re.compile(r"""['"]s['"] (?:if|\*)""")
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".html") and path.name != "formatting.py"]
    assert [f"{path}: {line}" for path in files for line in path.read_text(encoding="utf-8").splitlines() if own.search(line)] == []
