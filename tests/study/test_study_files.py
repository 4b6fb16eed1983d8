"""Study files: every mistake at its place, overrides, the baseline, budgets, data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from study import tiny
from written import mistake, mistakes

from blockspace.errors import InfeasibleError
from blockspace.reader import parse_yaml
from blockspace.study import draw_families, load_study, resolve_study
from blockspace.study.overrides import apply_texts, tree_as_data

ROOT = Path(__file__).parents[2]
STUDY = f"""format: blockspace/study/1
study: tiny
space: {ROOT / "searchspaces" / "hs_vs_resnext.yaml"}
data: digits
baseline: {{block: resnext, block.resnext.cardinality: 8, base: 16, macs: 6M}}
budget:
  macs: {{low: 96%, high: 100%}}
objectives: [{{maximize: val_acc}}]
search: {{sampler: random, trials: 4, per_choice: {{block: equal}}}}
train: {{epochs: 1}}
compare: {{by: block}}
"""


@pytest.fixture
def write(tmp_path):
    def change(*changes: tuple[str, str]) -> Path:
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "study.yaml"
        path.write_text(text)
        return path

    return change


def test_a_study_is_a_question(write):
    resolved = resolve_study(write())
    assert resolved.study.name == "tiny" and resolved.per == "block"
    budget = resolved.budgeted_space.budgets["macs"]
    macs = resolved.baseline.costs["macs"]
    assert 0.96 * 6_000_000 <= macs <= 6_000_000 and (budget.low, budget.high) == (int(macs * 96 / 100), macs)
    assert resolved.space.network.input_shape == (1, 16, 16)


def test_digests_see_the_question_only(write):
    one = resolve_study(write()).digest()
    assert resolve_study(write(), ["search.trials=8"]).digest() == one == resolve_study(write(), ["out=elsewhere"]).digest()
    assert resolve_study(write(), ["train.epochs=2"]).digest() != one


def test_digests_see_the_blocks_that_imported_blocks_import(tmp_path):
    """A study whose space imports blocks that import nothing has the digest that it always had."""
    path = tiny.write(tmp_path)
    assert "imports" not in resolve_study(path).digest()
    inner = tmp_path / "inner.yaml"
    inner.write_text("format: blockspace/block/1\nblock: inner\nflow: [relu]\n")
    pair = (tmp_path / "plain_pair.yaml").read_text()
    blocks = "blocks: {inner: ./inner.yaml, own: {flow: [inner2], blocks: {inner2: ./inner.yaml}}}"
    (tmp_path / "plain_pair.yaml").write_text(f"{pair}  - inner\n  - own\n".replace("params:", f"{blocks}\nparams:", 1))
    before = resolve_study(path).digest()
    assert set(before["imports"]) == {"plain_pair/inner", "plain_pair/own"} and set(before["space"]["blocks"]) == {"plain_pair"}
    inner.write_text(inner.read_text().replace("relu", "silu"))
    os.utime(inner, (1, 1))  # in the same moment, which times of change do not tell apart
    after = resolve_study(path).digest()
    assert after["imports"] != before["imports"] and after["space"] == before["space"]


@pytest.mark.parametrize(
    "old, new, code, line, words",
    [
        ("trials: 4", "trails: 4", "E-KEY", 9, "trials"),
        ("train:", "trian:", "E-KEY", 10, "train"),
        ("epochs: 1", "epochs: many", "E-TYPE", 10, "epochs"),
        ("epochs: 1", "epochs: 0", "E-TYPE", 10, "epochs"),
        ("epochs: 1", "epochs: 1.5", "E-TYPE", 10, "epochs"),
        ("trials: 4", "trials: -4", "E-TYPE", 9, "trials"),
        ("trials: 4", "trials: true", "E-TYPE", 9, "trials"),
        ("sampler: random", "sampler: randm", "E-TYPE", 9, "random"),
        ("study: tiny", "study: ../../tiny", "E-TYPE", 2, "study"),
        ("study: tiny", "study: TINY", "E-TYPE", 2, "study"),
        ("maximize: val_acc", "maximize: val_ac", "E-KEY", 8, "val_acc"),
        ("maximize: val_acc", "maximise: val_acc", "E-TYPE", 8, "maximize"),
        ("maximize: val_acc}", "maximize: val_acc}, {minimize: latency}", "E-KEY", 8, "measured"),
        ("data: digits", "data: digitz", "E-DATA", 4, "digits"),
        ("macs: {low", "maccs: {low", "E-KEY", 7, "macs"),
        ("epochs: 1", "epochs: 010", "E-SCALAR", 10, "10"),
    ],
)
def test_mistakes_at_their_places(write, old, new, code, line, words):
    found = mistake(lambda: load_study(write((old, new))).data)
    assert (found.code, found.mark.line) == (code, line), found.render()
    assert words in found.render()


def test_all_mistakes_at_once(write):
    found = mistakes(load_study, write(("trials: 4", "trails: 4"), ("epochs: 1", "epochs: many")))
    assert sorted(m.code for m in found) == ["E-KEY", "E-TYPE"]


@pytest.mark.parametrize("text, code", [
    ("", "E-YAML"), ("a: 1\n", "E-KEY"), ("format: blockspace/network/1\nnetwork: n\nhead: [relu]\n", "E-KEY"), ("- a\n", "E-KEY"),
])  # fmt: skip
def test_files_that_are_no_studies(tmp_path, text, code):
    (tmp_path / "s.yaml").write_text(text)
    assert mistake(load_study, tmp_path / "s.yaml").code == code


def test_a_file_that_is_not_there(tmp_path):
    assert mistake(load_study, tmp_path / "gone.yaml").code == "E-FILE"


# -- overrides -----------------------------------------------------------------------------------------------------------------------------


def test_overrides(write):
    study = load_study(
        write(), ["search.trials=8", "train.epochs=3", "baseline.block.resnext.cardinality=4", "search.per_choice.block=equal", "doc=a b"]
    )
    options = study.options
    assert (options.search.trials, options.train.epochs, options.baseline["block.resnext.cardinality"], options.doc) == (8, 3, 4, "a b")


@pytest.mark.parametrize(
    "text, code",
    [("search.trails=8", "E-KEY"), ("search.trials=many", "E-TYPE"), ("search.trials", "E-KEY"), ("=3", "E-KEY"), ("data=digitz", "E-DATA"),
     ("search.trials=[", "E-YAML"), ("search=4", "E-TYPE"), ("search.trials=", "E-TYPE"), ("search..trials=4", "E-KEY")],
)  # fmt: skip
def test_mistakes_in_overrides(write, text, code):
    found = mistake(lambda: load_study(write(), [text]).data)
    assert found.code == code, found.render()
    assert found.mark and "command line" in found.mark.source.path, found.render()


# what the file says, overrides, and what the section is then
ALTERNATIVES = [
    ("data: digits", ["data.folder=imgs"], {"folder": "imgs"}),
    ("data: digits", ["data.folder=imgs", "data.python=a:b"], {"python": "a:b"}),
    ("data: digits", ["data.size=8"], {"name": "digits", "size": 8}),
    ("data: {name: emnist, path: /p, options: {split: letters}, val: 5}", ["data.folder=imgs"], {"folder": "imgs", "val": 5}),
    ("data: {name: emnist, path: /p}", ["data.path=/q", "data.name=cifar10"], {"name": "cifar10", "path": "/q"}),
    ("data: {cifar10: {root: /p}}", ["data.size=8"], {"name": "cifar10", "root": "/p", "size": 8}),
    ("data: {cifar10: {root: /p}}", ["data.folder=imgs"], {"folder": "imgs"}),
    ("data: {cifar10: }", ["data.val=8"], {"name": "cifar10", "val": 8}),
    ("data: {folder: imgs}", ["data.path=/q", "data.name=cifar10"], {"name": "cifar10", "path": "/q"}),
    ("data: {python: 'a:b', options: {x: 1}}", ["data.options.split=letters", "data.name=emnist"],
     {"name": "emnist", "options": {"split": "letters"}}),
    ("train: {optimizer: {sgd: {lr: 1}}}", ["train.optimizer.adamw.lr=2"], {"optimizer": {"adamw": {"lr": 2}}}),
    ("train: {optimizer: {sgd: {lr: 1}}}", ["train.optimizer.sgd.momentum=0"], {"optimizer": {"sgd": {"lr": 1, "momentum": 0}}}),
    ("train: {optimizer: sgd}", ["train.optimizer.adamw.lr=2"], {"optimizer": {"adamw": {"lr": 2}}}),
    ("train: {schedule: {cosine: {warmup: 1}}}", ["train.schedule=constant"], {"schedule": "constant"}),
    ("baseline: {block: resnext, block.resnext.cardinality: 8, base: 12}", ["baseline.block=hs"], {"block": "hs", "base": 12}),
    ("baseline: {block: resnext, block.resnext.cardinality: 8}", ["baseline.block=resnext"],
     {"block": "resnext", "block.resnext.cardinality": 8}),
    ("baseline: {block: resnext, base: 12}", ["baseline.block.hs.splits=4", "baseline.block=hs"],
     {"block": "hs", "base": 12, "block.hs.splits": 4}),
]  # fmt: skip


@pytest.mark.parametrize("text, overrides, expected", ALTERNATIVES, ids=str)
def test_an_alternative_replaces_the_other_one(text, overrides, expected):
    root = parse_yaml(text, "study.yaml")
    assert apply_texts(root, overrides) == [] and tree_as_data(root)[text.partition(":")[0]] == expected


def test_alternatives_from_python(write):
    made = load_study(write(), keywords={"data.folder": "imgs", "train": {"optimizer": {"adamw": {}}}, "baseline.block": "hs"})
    assert (made.options.data, made.options.baseline) == ({"folder": "imgs"}, {"block": "hs", "base": 16, "macs": 6_000_000})


def test_two_sources_in_one_file_are_a_mistake(write):
    found = mistake(lambda: load_study(write(("data: digits", "data: {name: digits, folder: imgs}"))).data)
    assert "give either a name, a folder" in found.message and found.mark.line == 4


# -- what it refers to ---------------------------------------------------------------------------------------------------------------------


def test_a_space_that_is_not_there(write):
    found = mistake(resolve_study, write(("hs_vs_resnext.yaml", "gone.yaml")))
    assert found.code == "E-FILE" and found.mark.line == 3


def test_a_space_without_holes(write, tmp_path):
    assert mistake(resolve_study, write(), ["space=resnet50"]).code == "E-SPACE"
    assert mistake(resolve_study, write(), ["space=resnext"]).code == "E-SPACE"


@pytest.mark.parametrize("text", ["compare.by=blok", "finalists.per=blok", "search.per_choice.blok=equal"])
def test_holes_that_are_none(write, text):
    found = mistake(resolve_study, write(), [text])
    assert found.code == "E-SPACE" and "'block'" in found.help


@pytest.mark.parametrize("where", ["compare.by", "finalists.per"])
def test_holes_that_some_networks_do_not_have(write, where):
    found = mistake(resolve_study, write(), [f"{where}=block.hs.splits"])
    assert found.code == "E-SPACE" and "exists only where block is hs" in found.message and found.mark is not None


@pytest.mark.parametrize("name, families", [("base", ["base 8", "base 12", "base 16"]), ("block", ["hs", "resnext"])])
def test_any_hole_can_be_compared(write, name, families):
    resolved = resolve_study(write(), [f"compare.by={name}", f"search.per_choice={{{name}: equal}}", "search.trials=6"])
    assert resolved.per == name and [f.name for f in draw_families(resolved, samples=1)] == families
    token = resolved.space.choices(name)[0]
    assert resolved.candidate(resolved.space.random(0, {name: token})).families[name] == str(token)


@pytest.mark.parametrize("text", ["baseline.block=resnxt", "baseline.blok=hs", "baseline.base=17", "baseline.block.hs.splits=4"])
def test_baselines_that_are_none(write, text):
    found = mistake(resolve_study, write(), [text])
    assert found.code == "E-SPACE" and found.mark is not None, found.render()


@pytest.mark.parametrize(
    "text, code", [("baseline.macs=many", "E-TYPE"), ("baseline.macs=0.5", "E-TYPE"), ("baseline.macs=true", "E-TYPE")]
)
def test_a_baselines_cost_is_a_count(write, text, code):
    assert mistake(resolve_study, write(), [text]).code == code


def test_a_baseline_that_cannot_be_so_small(write):
    with pytest.raises(InfeasibleError) as caught:
        resolve_study(write(), ["baseline.macs=1k"])
    assert "nearest" in caught.value.mistakes[0].message


@pytest.mark.parametrize("data, code, words", [
    ("{folder: nowhere}", "E-DATA", "'nowhere' does not exist"), ("some/where", "E-DATA", "'some/where' does not exist"),
    ("nowhere", "E-DATA", "unknown data set 'nowhere', and no folder of that name"), ("{folder: nowhere, clases: 3}", "E-KEY", "clases"),
])  # fmt: skip
def test_missing_data(write, data, code, words):
    found = mistakes(resolve_study, write(("data: digits", f"data: {data}")))[0]
    assert found.code == code and words in found.message and found.mark.line == 4


@pytest.mark.parametrize(
    "window, code",
    [
        ("{low: 110%, high: 100%}", "E-RANGE"),
        ("{low: 9M, high: 1M}", "E-RANGE"),
        ("{high: lots}", "E-TYPE"),
        ("{high: 0%}", "E-TYPE"),
        ("{high: -5}", "E-TYPE"),
    ],
)
def test_windows_that_cannot_be(write, window, code):
    found = mistake(resolve_study, write(("{low: 96%, high: 100%}", window)))
    assert found.code == code and found.mark.line == 7, found.render()


@pytest.mark.parametrize(
    "window, low, high",
    [("{high: 8M}", None, 8_000_000), ("{high: '8M'}", None, 8_000_000), ("{low: 50%}", 0.5, None), ("{high: '50%'}", None, 0.5)],
)
def test_windows_in_counts_and_shares(write, window, low, high):
    resolved = resolve_study(write(("{low: 96%, high: 100%}", window)))
    found, macs = resolved.budgeted_space.budgets["macs"], resolved.baseline.costs["macs"]
    assert (found.low, found.high) == tuple(v if v is None or v > 1 else int(v * macs) for v in (low, high))


def test_every_cost_may_be_budgeted(write):
    """Bytes have their units, shares are of the baseline's, and candidates carry what is asked of them."""
    windows = "bytes: {high: 4MiB}\n  peak_memory: {low: 1 kB, high: 512KiB}\n  receptive_field: {low: 20}\n  acts: {high: 300%}"
    resolved = resolve_study(write(("macs: {low: 96%, high: 100%}", windows)))
    found = {name: (b.low, b.high) for name, b in resolved.budgeted_space.budgets.items()}
    acts = resolved.baseline.costs["acts"]
    assert found == {
        "acts": (None, 3 * acts), "bytes": (None, 4 * 2**20), "peak_memory": (1000, 512 * 2**10), "receptive_field": (20, None)
    }  # fmt: skip
    candidate = resolved.candidate(resolved.space.default())
    assert set(candidate.violations) == set(found) <= set(candidate.costs)
    assert str(resolved.budgeted_space.budgets["bytes"]) == "bytes at most 4.000 MiB"


def test_costs_that_take_long_are_counted_where_they_are_asked_for(write):
    default = resolve_study(write())
    assert "peak_memory" not in default.candidate(default.space.default()).costs
    asked = resolve_study(write(("{maximize: val_acc}", "{maximize: val_acc}, {minimize: peak_memory}")))
    assert asked.candidate(asked.space.default()).costs["peak_memory"] > 0


@pytest.mark.parametrize("window, words", [("bytes: {high: 4XiB}", "4MiB"), ("macs: {high: 4MiB}", "8M"), ("btyes: {high: 4M}", "bytes")])
def test_mistakes_in_units(write, window, words):
    found = mistake(resolve_study, write(("macs: {low: 96%, high: 100%}", window)))
    assert found.mark.line == 7 and words in found.render(), found.render()


# -- holes that the data decides -----------------------------------------------------------------------------------------------------------

SIZED = """format: blockspace/network/1
network: sized
params:
  size: {default: 16, search: [16, 24, 32]}
  depth: {default: 1, search: 1..3}
  classes: 10
input: [3, size, size]
stem: [conv3x3: 8]
stages: [{block: resnet_basic, repeat: depth, out_channels: 16, stride: 2}]
head: [global_avgpool, linear: classes]
"""
PLAIN = [
    ("baseline: {block: resnext, block.resnext.cardinality: 8, base: 16, macs: 6M}\n", ""),
    ("budget:\n  macs: {low: 96%, high: 100%}\n", ""),
    (", per_choice: {block: equal}", ""),
    ("compare: {by: block}\n", ""),
    (f"{ROOT / 'searchspaces' / 'hs_vs_resnext.yaml'}", "sized.yaml"),
]


def resolve_sized(write, tmp_path, *changes):
    text = SIZED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "sized.yaml").write_text(text)
    return resolve_study(write(*PLAIN))


@pytest.mark.parametrize(
    "changes, name, line, hint",
    [
        ((), "size", 4, "write size: 16"),
        ((("input: [3, size, size]", "let: {side: size}\ninput: [3, side, side]"),), "size", 4, "write size: 16"),
        ((("search: [16, 24, 32]", "solve: macs, range: 16..32"),), "size", 4, "write size: 16"),
        ((("[3, size, size]", "[3, 16, {search: [16, 24]}]"), ("  size: {default: 16, search: [16, 24, 32]}\n", "")), "input.width", 6, ""),
        ((("input: [3, size", "input: [size, size"),), "size", 4, "write size: 16"),
        ((("classes: 10", "classes: {search: [10, 20]}"), ("search: [16, 24, 32]", "doc: x")), "classes", 6, "write classes: 10"),
    ],
)
def test_a_hole_that_the_data_decides_is_refused_at_its_line(write, tmp_path, changes, name, line, hint):
    found = mistake(resolve_sized, write, tmp_path, *changes)
    assert found.code == "E-SPACE" and f"{name} is searched, but the data decides" in found.message
    assert found.mark.line == line and hint in found.help


def test_a_hole_that_sizes_more_than_the_input_is_searched(write, tmp_path):
    resolved = resolve_sized(write, tmp_path, ("conv3x3: 8", "conv3x3: size // 2"))
    assert resolved.space.size() == 9 and not [note for note in resolved.notes if "reads" in note]


def test_a_hole_that_nothing_reads_is_named(write, tmp_path):
    resolved = resolve_sized(write, tmp_path, ("[3, size, size]", "[3, 16, 16]"))
    assert "size is searched, but nothing reads it: its values are one network" in resolved.notes


@pytest.mark.parametrize("given", ["[2, 1]", "[2,1]", '"[2, 1]"'])
def test_a_hole_takes_a_list(write, tmp_path, given):
    text = SIZED.replace("[3, size, size]", "[3, 16, 16]").replace("  size: {default: 16, search: [16, 24, 32]}\n", "")
    text = text.replace("stride: 2", "stride: {search: [2, [2, 1]]}")
    (tmp_path / "sized.yaml").write_text(text)
    resolved = resolve_study(write(*PLAIN), [f"baseline={{stage1.stride: {given}}}", f"search.seeds=[{{stage1.stride: {given}}}]"])
    assert resolved.baseline.assignment["stage1.stride"] == "[2, 1]" == resolved.initial[0]["stage1.stride"]
    stride = [node["stride"] for node in resolved.baseline.arch["graph"]["nodes"] if node["op"] == "conv"][1]
    assert tuple(stride) == (2, 1)
