"""blockspace ls: kinds, wildcards, costs, and what is found beside us."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blockspace.blocks import list_names, syntax
from blockspace.cli import main
from blockspace.ops import OPS
from blockspace.passes import RULES

ROOT = Path(__file__).parents[2]


def listing(capsys, *argv: str) -> dict:
    assert main(["ls", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_all_kinds(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    found = listing(capsys)
    assert list(found["blocks"]) == list_names("block") and list(found["networks"]) == list_names("network")
    assert {name for name in OPS if syntax.is_operation(name) and name != "conv"} <= set(found["operations"])
    assert all(syntax.is_operation(word) for word in found["operations"]), "what is listed can be written"
    assert "hs_vs_resnext" in found["spaces"] and "hs_vs_resnext" in found["studies"] and set(found["rules"]) == set(RULES)
    assert all(doc for listed in found.values() for doc in listed.values()), "everything says what it is"


@pytest.mark.parametrize(
    "option, kind", [("--blocks", "blocks"), ("--networks", "networks"), ("--ops", "operations"), ("--rules", "rules")]
)
def test_one_kind(option, kind, capsys):
    assert list(listing(capsys, option)) == [kind]


def test_wildcards(capsys):
    found = listing(capsys, "*50*", "--networks")["networks"]
    assert found and all("50" in name for name in found) and "resnet50" in found


def test_costs(capsys):
    found = listing(capsys, "resnet50", "--costs")["networks"]["resnet50"]
    assert found["params"] == 25_557_032 and found["input"] == "3x224x224" and found["doc"]
    assert main(["ls", "resnet50", "--costs"]) == 0 and "25.56M params" in capsys.readouterr().out


def test_nothing_matches(capsys):
    assert main(["ls", "resnxt"]) == 0 and "did you mean 'resnext'" in capsys.readouterr().out


def test_shipped_spaces_and_studies_are_listed_anywhere(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mobile.yaml").write_text("doc: mine\n")
    found = listing(capsys)
    assert "hs_vs_resnext" in found["spaces"] and found["studies"]["mobile"] == "mine" and found["studies"]["hs_vs_resnext"]
