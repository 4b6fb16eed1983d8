"""What people give: paths with `~`, spaces and `#`, and arguments of public functions of a wrong kind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import blockspace as bs
from blockspace.errors import error
from blockspace.inputs import expand_path, read_input_shape, relate_path
from blockspace.records import RunDir, split_run_target

BLOCK = "format: blockspace/block/1\nblock: mine\nflow: [conv3x3: same]\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


# -- paths ---------------------------------------------------------------------------------------------------------------------------------


def test_a_home_is_expanded_once_and_a_relative_path_stays_relative(home):
    assert expand_path("~/a b/ü#1.yaml") == home / "a b" / "ü#1.yaml" and expand_path(Path("~")) == home
    assert expand_path("a/~/b") == Path("a/~/b")
    odd = expand_path("./~/b")
    assert odd == home.parent / "~" / "b" and expand_path(odd) == odd
    assert relate_path(home.parent / "~" / "b") == "./~/b"


def test_without_home_the_list_of_users_is_asked(monkeypatch):
    pwd = pytest.importorskip("pwd")
    for value in (None, ""):
        monkeypatch.delenv("HOME", raising=False) if value is None else monkeypatch.setenv("HOME", value)
        assert expand_path("~/x") == Path(pwd.getpwuid(os.getuid()).pw_dir) / "x"

    def unknown(_):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(bs.BlockspaceError, match=r"~/x: \$HOME is not set") as caught:
        expand_path("~/x")
    assert "./~/x" in caught.value.mistakes[0].help


@pytest.mark.parametrize(
    "text, words, help",
    [
        ("", "an empty path", "`.` is the working directory"),
        ("  ", "an empty path", "`.`"),
        ("a\0b", "NUL", None),
        ("file:///tmp/x y.yaml", "is a URL", "write the path by itself: /tmp/x y.yaml"),
        ("file:/tmp/x.yaml", "is a URL", ": /tmp/x.yaml"),
        ("file://localhost/tmp/x.yaml", "is a URL", ": /tmp/x.yaml"),
        ("https://host/x.yaml", "is a URL", "fetch the file first"),
        ("~no-such-user-here/x", "no user is called 'no-such-user-here'", "./~no-such-user-here/x"),
    ],
)
def test_what_is_no_path(text, words, help):
    with pytest.raises(bs.BlockspaceError) as caught:
        expand_path(text)
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-FILE" and words in mistake.message and (help is None or help in mistake.help)


def test_a_block_below_home_and_with_a_sharp_in_its_name(home):
    (home / "a #1 ü.yaml").write_text(BLOCK)
    for path in ("~/a #1 ü.yaml", Path("~/a #1 ü.yaml"), home / "a #1 ü.yaml"):
        assert bs.load(path).name == "mine"


def test_a_target_is_a_path_where_one_is_there(home):
    place = home / "a#b"
    assert split_run_target(f"{place}#17") == (str(place), "17")
    place.mkdir()
    assert split_run_target(str(place)) == (str(place), "") == split_run_target(str(place))
    assert split_run_target(f"{place}#17") == (str(place), "17")
    assert split_run_target("~/a#b") == ("~/a#b", "") and split_run_target("resnet20") == ("resnet20", "")


def test_a_trial_of_what_is_no_run_names_the_folder(home):
    with pytest.raises(bs.BlockspaceError, match="no run directory '.*gone'"):
        RunDir.of("~/gone").training_named("1")


def test_a_folder_where_a_file_is_wanted_says_so(home):
    (home / "net").mkdir()
    with pytest.raises(bs.BlockspaceError, match="'~/net' is a folder; a file is wanted"):
        bs.load("~/net")
    (home / "net" / "arch.yaml").write_text(BLOCK)
    assert bs.load("~/net").name == "mine", "the folder of an export or a training is one of its network"


# -- arguments -----------------------------------------------------------------------------------------------------------------------------

WRONG = [None, "no such thing", 3, ["a"], {"a": 1}, Path("no/such/place"), float("nan"), True, object(), b"bytes"]
CALLS = {  # every public function, with one argument after another replaced
    "load": (("resnet20",), {"n": 1}),
    "compile": ((bs.load("se").graph(),), dict(seed=0, init="default", features_only=False, out_indices=None, weights_from=None)),
    "load_pretrained": (("resnet20",), {"source": None, "classes": None, "features_only": False, "out_indices": None}),
    "to_source": ((bs.load("se").graph(),), {"doc": ""}),
    "transplant": ((), {"src": None, "dst": None, "example": None}),
    "Budget": (("macs",), {"low": None, "high": None}),
    "cost": ((bs.load("se").graph(),), {}),
    "Graph": (((3, 8, 8),), {}),
    "from_nx": ((None,), {}),
    "canonical": ((bs.load("se").graph(),), {}),
    "deploy": ((bs.load("se").graph(),), {}),
    "export": (("resnet20", "out"), {"formats": ["py"], "weights": None, "force": False, "deploy": False}),
    "replay": (("run",), {"train": False, "say": None}),
    "search": (("study.yaml",), {"overrides": (), "on_event": None, "reuse": ()}),
    "train": (("resnet20",), dict(overrides=(), recipe=None, to=(), on_event=None, stop=None, seed=0, data=None, out=None)),
}  # fmt: skip
CASES = [(name, place, wrong) for name, (args, kwargs) in CALLS.items() for place in (*range(len(args)), *kwargs) for wrong in WRONG]


def call(name, place, wrong):
    """Call a public function with one wrong argument, and the others as they should be."""
    args, kwargs = list(CALLS[name][0]), dict(CALLS[name][1])
    (kwargs if isinstance(place, str) else args)[place] = wrong
    return getattr(bs, name)(*args, **kwargs)


def test_every_public_name_is_called():
    assert set(CALLS) == set(bs.__all__) - {"BlockspaceError"}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_one_line_that_says_what_is_expected(name, tmp_path, monkeypatch):
    """A value is either taken, or refused in one line; no function fails with an error of Python's own. The work itself is not done."""
    monkeypatch.chdir(tmp_path)
    for where in ("exporting.export_folder", "study.train_one.preflight", "compiler.weights.pretrained.find_weights"):
        monkeypatch.setattr(f"blockspace.{where}", refuse)
    for _, place, wrong in (case for case in CASES if case[0] == name):
        try:
            call(name, place, wrong)
        except bs.BlockspaceError as reason:
            assert all(m.message and "\n" not in m.message and len(m.message) < 300 for m in reason.mistakes), (place, wrong)
    assert not list(tmp_path.iterdir()), "nothing was written"


def refuse(*_args, **_kwargs):
    raise error("E-FAILED", "here the work would begin")


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: bs.search(None), "search: path should be a name or path (text or a Path), got None"),
        (lambda: bs.load_pretrained(None), "load_pretrained: name should be a name or path"),
        (lambda: bs.load(""), "load: name should be a name or path (text or a Path), got ''"),
        (lambda: bs.load("resnet20", n=float("nan")), "load: n should be text, a number, True, False, or a list or mapping of them, got"),
        (lambda: bs.compile(bs.load("se").graph(), seed="a"), "compile: seed should be a whole number, or None, got 'a'"),
        (lambda: bs.compile(bs.load("se").graph(), init=3), "compile: init should be text, got 3"),
        (lambda: bs.Budget("mac", 1, 2), "Budget: no cost 'mac'"),
        (lambda: bs.Budget("macs", 2, 1), "Budget: macs: low (2) is above high (1)"),
        (lambda: bs.Budget("macs", float("nan")), "Budget: low should be a number of at least 0, or None, got nan"),
        (lambda: bs.export("resnet20", "o", formats=[]), "no format is asked for"),
        (lambda: bs.export("resnet20", "o", formats="onnx"), "export: formats should be a list of names, got 'onnx'"),
        (lambda: bs.export("resnet20", "o", deploy="yes"), "export: deploy should be True or False, got 'yes'"),
        (lambda: bs.export("resnet20", ""), "export: folder should be a name or path"),
        (lambda: bs.search("s.yaml", "search.trials=3"), "search: overrides should be a list of texts, got 'search.trials=3'"),
        (lambda: bs.load("se").graph((3, 8)), "an input shape is (channels, height, width), three whole numbers of at least 1, got (3, 8)"),
        (lambda: bs.load("se").graph("abc"), "an input shape is"),
        (lambda: bs.load("se").graph(()), "got ()"),
        (lambda: bs.load("se").graph((3.0, 8, 8)), "got (3.0, 8, 8)"),
        (lambda: bs.load("resnet20").graph((True, 8, 8)), "got (True, 8, 8)"),
        (lambda: bs.Graph((0, 8, 8)), "got (0, 8, 8)"),
        (lambda: bs.load("hs_block").graph(values=[3]), "values should be a mapping from holes to values, got [3]"),
        (lambda: bs.load("hs_block").graph(values={"splts": 3}), "hs_block has no param or hole 'splts'"),
    ],
)  # fmt: skip
def test_the_line_of_a_wrong_argument(call, words):
    with pytest.raises(bs.BlockspaceError) as caught:
        call()
    assert words in caught.value.mistakes[0].message


def test_numbers_of_numpy_are_numbers():
    assert read_input_shape(np.array([3, 8, 9])) == (3, 8, 9) == read_input_shape((np.int64(3), 8, np.int32(9)))
    graph = bs.load("se").graph((np.int64(16), 8, 8))
    dag = graph.nx.copy()
    odd = type(dag)(**dag.graph)
    for node, attributes in dag.nodes(data=True):
        values = {key: np.int64(value) if type(value) is int else value for key, value in attributes["op"].as_dict().items()}
        odd.add_node(node, **values)
    for source, target, slot in dag.edges(keys=True):
        odd.add_edge(source, target, np.int64(slot))
    assert bs.from_nx(odd).key() == graph.key()
    assert bs.Budget("macs", np.int64(1), np.float32(2)).holds(1)
    assert bs.compile(graph, seed=np.int64(3)) is not None
