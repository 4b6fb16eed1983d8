"""A runtime is one file, found by its name; one registered from outside is as good, in a measurement and in a study file."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from blockspace.compiler import compile
from blockspace.errors import BlockspaceError
from blockspace.executors import Job
from blockspace.graph import Graph
from blockspace.ops import Conv
from blockspace.runtimes import load_runtime, measure_graphs, paired_ratio, register_runtime, runtime, runtime_names
from blockspace.study import StudyFile, load_study
from blockspace.study.latency_measurer import latency_options
from blockspace.study.study_file import LatencyWindow
from blockspace.study.worker_jobs import measure_latency

STUDY = """\
format: blockspace/study/1
study: tiny
space: se_resnet
budget:
  latency: {{runtime: {runtime}}}
"""


class ConstantTime:
    """Every call takes a second for each parameter of the module, by a clock that only calls move."""

    name = "constant"

    def __init__(self):
        self.now = 0.0

    @contextmanager
    def prepare(self, module, example, threads):
        parameters = sum(tensor.numel() for tensor in module.parameters())

        def call():
            self.now += parameters

        yield call

    def clock(self, threads):
        return lambda: self.now

    def device(self):
        return "paper"


@pytest.fixture
def constant(monkeypatch):
    monkeypatch.setattr(runtime, "_REGISTERED", dict(runtime._REGISTERED))
    register_runtime(ConstantTime())


def network(channels: int) -> Graph:
    graph = Graph((3, 8, 8))
    graph.add(Conv(3, channels, (1, 1)), "input", name="conv")
    return graph


def read(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return load_study(path)


@pytest.mark.parametrize("name", runtime_names())
def test_every_runtime_measures(name):
    assert load_runtime(name).name == name
    found = paired_ratio(compile(network(4)), compile(network(4)), (3, 8, 8), pairs=2, warmup=1, runtime=name)
    assert found.runtime == name and found.device and found.ratio > 0


@pytest.mark.usefixtures("constant")
def test_a_runtime_registered_elsewhere_measures():
    found = measure_graphs(network(8).as_dict(), network(4).as_dict(), pairs=5, runtime="constant")
    assert (found.ratio, found.iqr, found.candidate_ms, found.baseline_ms) == (2.0, 0.0, 24_000.0, 12_000.0)
    assert (found.runtime, found.device, found.pairs) == ("constant", "paper", 5)


@pytest.mark.usefixtures("constant")
def test_a_name_is_registered_once():
    with pytest.raises(TypeError, match="two runtimes are called 'constant'"):
        register_runtime(ConstantTime())


def test_an_unknown_runtime_is_an_error():
    with pytest.raises(BlockspaceError, match="unknown runtime 'egaer'") as caught:
        load_runtime("egaer")
    assert caught.value.mistakes[0].code == "E-NAME" and "eager" in caught.value.mistakes[0].help


@pytest.mark.usefixtures("constant")
def test_a_study_takes_every_runtime_there_is(tmp_path):
    assert read(tmp_path, STUDY.format(runtime="constant")).options.budget.latency.runtime == "constant"
    assert StudyFile.model_json_schema()["$defs"]["LatencyWindow"]["properties"]["runtime"]["enum"] == ["constant", "eager"]


@pytest.mark.usefixtures("constant")
def test_a_study_measures_on_the_runtime_that_it_names(tmp_path):
    options = latency_options(LatencyWindow(runtime="constant", batch=2))
    shared = {"baseline": network(4).as_dict(), "latency": options | {"pairs": 2}}
    found = measure_latency(Job(str(tmp_path), {"graph": network(8).as_dict()}, 0, "key", shared))
    assert options["pairs"] > 2 and options["batch"] == 2 and found.metrics["latency"] == 2.0


def test_an_unknown_runtime_is_named_at_its_place_in_the_study(tmp_path):
    with pytest.raises(BlockspaceError) as caught:
        read(tmp_path, STUDY.format(runtime="constant"))
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-TYPE" and (mistake.mark.line, mistake.mark.column) == (5, 22)
    assert "budget.latency.runtime: unknown runtime 'constant'" in mistake.message and "known: eager" in mistake.help


def test_names_cost_no_torch():
    code = "import sys, blockspace.runtimes as r; print(r.runtime_names(), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['eager'] False\n"
