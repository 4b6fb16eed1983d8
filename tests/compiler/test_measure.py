"""measure: what is restored, refused and reported. Times themselves are no tests, except far apart (slow)."""

import pytest
import torch
from graphs import Sketch, network

from blockspace.compiler import Latency, compile, measure, measure_graphs, paired_ratio
from blockspace.errors import BlockspaceError


def test_reports_what_it_did_and_restores_everything():
    graph = network("se")
    a, b = compile(graph).train(), compile(graph).eval()
    state = {key: tensor.clone() for key, tensor in a.state_dict().items()}
    threads = torch.get_num_threads()
    found = paired_ratio(a, b, (3, 16, 16), batch=2, pairs=4, warmup=1)
    assert isinstance(found, Latency) and found.pairs == 4 and found.batch == 2 and found.threads == 1 and found.runtime == "eager"
    assert found.ratio > 0 and found.iqr >= 0 and found.candidate_ms > 0 and found.baseline_ms > 0 and found.device
    assert a.training and not b.training and torch.get_num_threads() == threads
    assert all(torch.equal(tensor, a.state_dict()[key]) for key, tensor in state.items())


def test_graphs_travel_as_json_and_the_baseline_is_built_once():
    measure.kept.cache_clear()
    graph = network("se").as_dict()
    for kind in ("se", "shuffle"):
        assert measure_graphs(network(kind).as_dict(), graph, pairs=2, warmup=0).pairs == 2
    assert measure.kept.cache_info().misses == 1


def test_different_inputs_are_refused():
    other = Sketch((3, 8, 8), "small")
    other.conv("conv", 4)
    with pytest.raises(BlockspaceError, match=r"the candidate reads \(3, 8, 8\), the baseline \(3, 16, 16\)") as caught:
        measure_graphs(other.graph.as_dict(), network("se").as_dict())
    assert caught.value.mistakes[0].code == "E-LATENCY"


def test_a_clock_that_stands_still_is_an_error():
    with pytest.raises(BlockspaceError) as caught:
        measure.summary([(0.0, 0.1)], threads=1, batch=1)
    assert caught.value.mistakes[0].code == "E-LATENCY"


def test_the_median_ratio_and_its_quartile_range():
    found = measure.summary([(2.0, 1.0), (3.0, 1.0), (100.0, 1.0)], threads=1, batch=1)
    assert found.ratio == 3.0 and found.candidate_ms == 3000.0 and found.baseline_ms == 1000.0 and found.iqr == 98.0


@pytest.mark.slow
def test_four_times_the_depth_takes_longer():
    def deep(n):
        s = Sketch((32, 16, 16), "deep")
        for i in range(n):
            s.conv(f"conv{i}", 32, 3)
        return s.graph.as_dict()

    assert measure_graphs(deep(16), deep(4)).ratio > 1.5
