"""The YAML reader: the second parse, which explains what libyaml refused, stops where the first would have."""

from __future__ import annotations

import pytest
import yaml

from blockspace import reader
from blockspace.errors import BlockspaceError

BRACKETS = ["[" * 900, "[" * 1_100, "[" * 400_000, "[" * 1_100 + "]" * 1_100]


@pytest.mark.parametrize("text", BRACKETS, ids=["read by libyaml", "refused by libyaml", "many", "closed"])
def test_deep_nesting_has_one_message_and_place(text):
    with pytest.raises(BlockspaceError) as caught:
        reader.parse_yaml(f"flow: {text}")
    (mistake,) = caught.value.mistakes
    assert (mistake.code, mistake.message) == ("E-YAML", f"nested deeper than {reader.MAX_DEPTH} levels")
    assert (mistake.mark.line, mistake.mark.column) == (1, len("flow: ") + reader.MAX_DEPTH + 1)


@pytest.mark.parametrize("text", ["[" * 400_000, "{a: " * 100_000], ids=["brackets", "braces"])
def test_the_python_parser_is_left_at_the_depth_limit(monkeypatch, text):
    scanned = []
    fetch = yaml.SafeLoader.fetch_more_tokens
    monkeypatch.setattr(yaml.SafeLoader, "fetch_more_tokens", lambda loader: scanned.append(loader) or fetch(loader))
    with pytest.raises(BlockspaceError):
        reader.parse_yaml(f"flow: {text}")
    assert len(scanned) < 2_000  # a simple key may be 1,024 characters long, so the scanner looks that far ahead


def test_the_python_parser_explains_what_libyaml_refuses():
    with pytest.raises(BlockspaceError, match=r"expected ',' or '\]', but got ':'"):
        reader.parse_yaml("flow: [relu, a: b: c]")
