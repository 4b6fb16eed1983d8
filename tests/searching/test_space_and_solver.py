"""Spaces count what can be chosen; the solver brings every family into one window; an impossible budget is refused."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path
from statistics import mean

import pytest
from written import network

from blockspace import cost, load
from blockspace.costs import COSTS, Budget
from blockspace.errors import BlockspaceError, InfeasibleError
from blockspace.searching import BudgetedSpace, SearchSpace, Solver

SPACE = Path(__file__).parents[2] / "searchspaces" / "hs_vs_resnext.yaml"
SMALL = """
params:
  base: {search: [8, 16]}
  block:
    default: a
    search:
      a: {resnext: {cardinality: {search: [1, 2, 4]}, width: 4}}
      b: {hs_bottleneck: {splits: {search: 2..3}, width: {search: 4..8 step 2}, plain: 8}}
      c: resnet_bottleneck
input: [3, 8, 8]
stem: [conv3x3: base]
stages: [{block: block, out_channels: 16, repeat: {search: 1..2}}]
head: [global_avgpool, linear: 10]
"""
SOLVED = """
params: {depth: {default: 1, search: [1, 2]}}
input: [3, 8, 8]
stem: [conv3x3: {out: {solve: macs, range: 4..64, default: 8}}]
stages: [{block: resnext, repeat: depth, out_channels: 16, cardinality: 2, width: {solve: macs, range: 1..32, default: 4}}]
head: [global_avgpool, linear: 10]
"""


def every_assignment(space: SearchSpace) -> list[dict]:
    """By brute force: all combinations of all holes, without those that do not exist under them."""
    holes = list(space.holes.values())
    found = set()
    for tokens in product(*(hole.domain.values() for hole in holes)):
        values = dict(zip((h.name for h in holes), tokens))
        active = {h.name: values[h.name] for h in holes if h.under is None or values[h.under[0]] == h.under[1]}
        found.add(tuple(sorted(active.items())))
    return [dict(row) for row in found]


def test_the_size_is_what_can_be_enumerated():
    space = SearchSpace(network(SMALL))
    rows = every_assignment(space)
    assert space.size() == len(rows) == 2 * (3 + 2 * 3 + 1) * 2
    assert len({space.graph(row).key() for row in rows}) > 30


def test_conditional_holes_exist_only_under_their_alternative():
    space = SearchSpace(network(SMALL))
    for seed in range(30):
        values = space.random(seed)
        assert ("block.a.cardinality" in values) == (values["block"] == "a")
        assert ("block.b.splits" in values) == ("block.b.width" in values) == (values["block"] == "b")
        assert all(token in space.holes[name].domain for name, token in values.items())


def test_an_assignment_by_hand():
    space = SearchSpace(network(SMALL))
    assert space.default({"block": "c"}) == {"base": 8, "block": "c", "stage1.repeat": 1}
    for wrong in ({"blok": "a"}, {"block": "z"}, {"base": 9}, {"block": "c", "block.a.cardinality": 1}, {"base": True}):
        with pytest.raises(BlockspaceError) as caught:
            space.default(wrong)
        assert caught.value.mistakes[0].code == "E-SPACE"


def test_a_trial_suggests_each_active_hole_once():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = SearchSpace(network(SMALL))
    trial = optuna.create_study().ask()
    values = space.suggest(trial)
    assert trial.params == values and ("block.a.cardinality" in values) == (values["block"] == "a")


@pytest.fixture(scope="module")
def shared():
    space = SearchSpace(load(SPACE))
    return space, Solver(space)


@pytest.mark.parametrize("family", ["hs", "resnext"])
def test_random_topologies_reach_the_window(shared, family):
    space, solver = shared
    bound, solved = 6_000_000, []
    for seed in range(40):
        assignment = space.random(seed, {"block": family})
        solution = solver.solve(assignment, bound)
        assert solution.cost.macs == cost(space.graph(assignment | solution.values)).macs
        if 0.96 * bound <= solution.cost.macs <= bound:
            solved.append(solution.cost.macs)
    assert len(solved) >= 38
    shared[0].means = getattr(space, "means", {}) | {family: mean(solved)}


def test_families_cost_the_same(shared):
    means = getattr(shared[0], "means", {})
    if len(means) < 2:
        pytest.skip("needs the test before it")
    assert abs(means["hs"] / means["resnext"] - 1) <= 0.01


def test_without_a_bound_defaults_hold(shared):
    space, solver = shared
    assert solver.solve(space.default(), None).values == {name: unknown.default for name, unknown in space.unknowns.items()}


def test_an_impossible_budget_names_the_nearest_cost(shared):
    space, solver = shared
    for window in (Budget("macs", None, 1000), Budget("macs", 10**12, None)):
        with pytest.raises(InfeasibleError) as caught:
            BudgetedSpace(space, {"macs": window}, solver).check_reachable()
        found = caught.value.mistakes[0]
        assert found.code == "E-INFEASIBLE" and "nearest reachable" in found.message and caught.value.exit_code == 5


def test_a_possible_budget_is_not_refused(shared):
    space, solver = shared
    possible = BudgetedSpace(space, {"macs": Budget("macs", 5_760_000, 6_000_000)}, solver)
    possible.check_reachable()
    assert all(5_760_000 <= possible.propose(space.random(0, family)).costs["macs"] <= 6_000_000 for family in possible.families())


def test_solved_values_step_over_broken_rules():
    net = network(
        """
        params: {w: {solve: macs, range: 4..64, default: 8}}
        require: [w % 6 == 0]
        input: [3, 8, 8]
        stem: [conv3x3: w]
        head: [global_avgpool, linear: 10]
        """
    )
    found = Solver(SearchSpace(net)).solve({}, 50_000)
    assert found.values["w"] % 6 == 0 and found.cost.macs <= 50_000
    assert cost(net.graph(values={"w": found.values["w"] + 6})).macs > 50_000


def test_a_step_alone_costs_what_it_costs_in_the_network():
    """Names of the network are evaluated with the network's own input, whatever enters the step."""
    net = network(
        """
        let: {w: in_channels * 4}
        params: {s: {solve: macs, range: 4..64, default: 8}}
        input: [3, 8, 8]
        stem: [conv3x3: 16]
        stages: [{block: conv3x3, out: w}, {block: conv3x3, out: s}]
        head: [global_avgpool, linear: 10]
        """
    )
    space = SearchSpace(net)
    assert Solver(space).cost({"s": 8}) is not None
    assert Solver(space).cost({"s": 8}).macs == cost(net.graph(values={"s": 8})).macs


def test_random_assignments_are_reproducible(shared):
    space, _ = shared
    assert [space.random(s) for s in range(5)] == [space.random(s) for s in range(5)]
    assert len({space.graph(space.random(random.Random(1).randrange(100))).key() for _ in range(2)}) == 1


@pytest.mark.parametrize("name", [name for name, quantity in COSTS.items() if quantity.additive])
def test_every_cost_that_adds_up_can_be_solved(name):
    space = SearchSpace(network(SOLVED.replace("macs", name)))
    for bound in (1.5, 3):
        bound = int(bound * getattr(cost(space.graph(space.default())), name))
        proposals = BudgetedSpace(space, {name: Budget(name, None, bound)})
        found = proposals.propose(space.default())
        assert 0.9 * bound <= found.costs[name] <= bound
        assert found.costs[name] == getattr(proposals.solve(space.default()).cost, name)


def test_costs_of_the_whole_are_counted_on_the_whole():
    """Peak memory does not add up over steps; the solver's cost says that of the network."""
    space = SearchSpace(network(SMALL))
    values = space.default()
    assert space.network.separable and Solver(space).cost(values).as_dict() == cost(space.graph(values)).as_dict()
