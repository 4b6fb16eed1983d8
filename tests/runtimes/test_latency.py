"""measure: what is restored, refused and reported. Times themselves are no tests, except far apart (slow)."""

import pytest
import torch

from blockspace.compiler import compile
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import OPS, Conv
from blockspace.runtimes import Latency, latency, measure_graphs, paired_ratio


def network(size: int = 16, depth: int = 1) -> Graph:
    """Convolutions of 3 to 4 channels, and of 4 channels, one after the other."""
    graph = Graph((3, size, size))
    for i in range(depth):
        graph.add(Conv(4 if i else 3, 4, (3, 3), padding=(1, 1)), graph.output, name=f"conv{i}")
    graph.add(OPS["relu"](), graph.output, name="relu")
    return graph


def test_reports_what_it_did_and_restores_everything():
    graph = network()
    a, b = compile(graph).train(), compile(graph).eval()
    state = {key: tensor.clone() for key, tensor in a.state_dict().items()}
    threads = torch.get_num_threads()
    found = paired_ratio(a, b, (3, 16, 16), batch=2, pairs=4, warmup=1)
    assert isinstance(found, Latency) and found.pairs == 4 and found.batch == 2 and found.threads == 1 and found.runtime == "eager"
    assert found.ratio > 0 and found.iqr >= 0 and found.candidate_ms > 0 and found.baseline_ms > 0 and found.device
    assert a.training and not b.training and torch.get_num_threads() == threads
    assert all(torch.equal(tensor, a.state_dict()[key]) for key, tensor in state.items())


def test_graphs_travel_as_json_and_the_baseline_is_built_once():
    latency.compiled_baseline.cache_clear()
    graph = network().as_dict()
    for depth in (1, 2):
        assert measure_graphs(network(depth=depth).as_dict(), graph, pairs=2, warmup=0).pairs == 2
    assert latency.compiled_baseline.cache_info().misses == 1


def test_different_inputs_are_refused():
    with pytest.raises(BlockspaceError, match=r"the candidate reads \(3, 8, 8\), the baseline \(3, 16, 16\)") as caught:
        measure_graphs(network(8).as_dict(), network().as_dict())
    assert caught.value.mistakes[0].code == "E-LATENCY"


def test_a_clock_that_stands_still_is_an_error():
    with pytest.raises(BlockspaceError) as caught:
        latency.summarize_pairs([(0.0, 0.1)])
    assert caught.value.mistakes[0].code == "E-LATENCY"


def test_the_median_ratio_and_its_quartile_range():
    ratio, iqr, candidate_ms, baseline_ms = latency.summarize_pairs([(2.0, 1.0), (3.0, 1.0), (100.0, 1.0)])
    assert ratio == 3.0 and candidate_ms == 3000.0 and baseline_ms == 1000.0 and iqr == 98.0


@pytest.mark.slow
def test_four_times_the_depth_takes_longer():
    assert measure_graphs(network(depth=16).as_dict(), network(depth=4).as_dict()).ratio > 1.5
