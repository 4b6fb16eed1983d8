"""Every search space and study that is shipped is tested because it exists."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from study.shipped import resolve_shipped

from blockspace import load
from blockspace.blocks import serialize_network
from blockspace.searching import SearchSpace
from blockspace.study import draw_families
from blockspace.study.dry_run import dry_run_text

ROOT = Path(__file__).parents[2]
SPACES = sorted(path.stem for path in (ROOT / "searchspaces").glob("*.yaml"))
STUDIES = sorted(path.stem for path in (ROOT / "studies").glob("*.yaml"))
DRAWN = 8  # topologies per family


def test_there_is_a_study_for_every_space():
    assert SPACES == STUDIES and len(STUDIES) >= 6


@pytest.mark.parametrize("name", SPACES)
def test_a_space_is_right(name):
    space = SearchSpace(load(ROOT / "searchspaces" / f"{name}.yaml"))
    assert space.name == name and space.network.doc and space.size() > 1
    assert space.graph(space.default()).output_shape == (10,)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_says_what_it_asks_and_found(name):
    text = (ROOT / "studies" / f"{name}.yaml").read_text()
    header = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    assert all(f"# {word}:" in header for word in ("Question", "Run", "Takes", "Found"))
    assert re.search(rf"^# Run: +blockspace search studies/{name}.yaml$", header, re.MULTILINE)
    options = resolve_shipped(name).options
    assert options.study == name and options.space == f"../searchspaces/{name}.yaml" and options.out == f"runs/{name}"
    assert options.doc.endswith("?") and options.finalists.seeds >= 3


@pytest.mark.parametrize("name", STUDIES)
def test_its_families_reach_its_budget(name):
    resolved = resolve_shipped(name)
    resolved.budgeted_space.check_reachable()
    if resolved.named_seeds:  # its families are its seeds: what lies between them may be too large however narrow it is
        assert all(violation <= 0 for seed in resolved.initial for violation in resolved.candidate(seed).violations.values())
        return
    families = draw_families(resolved, samples=DRAWN)
    assert [f.share for f in families if f.share < 0.95] == []
    if "macs" in resolved.budgeted_space.budgets:
        means = [sum(f.after) / len(f.after) for f in families]
        assert max(means) / min(means) <= 1.01
    assert all(f.name in dry_run_text(resolved, families) for f in families)


@pytest.mark.parametrize("name", STUDIES)
def test_equal_keys_are_equal_networks(name):
    """Two topologies of one key have the same layers; and few topologies are another one's network, so trials are not spent on them."""
    resolved, by_key, drawn = resolve_shipped(name), defaultdict(set), set()
    for fixed in resolved.budgeted_space.families():
        for seed in range(8):
            candidate = resolved.candidate(resolved.space.random(seed, fixed))
            drawn.add(tuple(sorted(candidate.assignment.items())))
            layers = sorted(repr({**node, "name": "", "inputs": len(node["inputs"])}) for node in candidate.arch["graph"]["nodes"])
            by_key[candidate.key].add((*layers, *candidate.costs.items()))
    assert all(len(networks) == 1 for networks in by_key.values())
    assert len(by_key) >= 0.9 * len(drawn)


@pytest.mark.parametrize("name", STUDIES)
def test_a_proposal_is_a_network_file_of_its_own(name, tmp_path):
    resolved = resolve_shipped(name)
    for seed in range(3):
        candidate = resolved.candidate(resolved.space.random(seed))
        (tmp_path / "one.yaml").write_text(serialize_network(resolved.space.network, candidate.arch["values"]))
        assert resolved.budgeted_space.propose(candidate.assignment).key == candidate.key
        found = load(tmp_path / "one.yaml").graph()
        assert found.output_shape == (10,) and [found.input_shape] == [resolved.space.network.input_shape]
