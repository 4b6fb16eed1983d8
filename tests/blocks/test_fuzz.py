"""Properties of random inputs: blocks that are valid by construction, files that were damaged, expressions."""

from __future__ import annotations

import ast
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from cases import try_each
from hypothesis import HealthCheck, given, settings, strategies as st

from blockspace.blocks import Block, Network
from blockspace.blocks.expression import compile_expression
from blockspace.blocks.template_file import TemplateFile
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.reader import parse_yaml

HERE = Path(__file__).parent
LIBRARY = Path(__import__("blockspace.blocks.library_files", fromlist=["FOLDER"]).FOLDER)
SEEDS = sorted([*HERE.glob("grammar/*.yaml"), *HERE.glob("grammar/networks/*.yaml"), *LIBRARY.glob("**/*.yaml")])
SEEDS = [path for path in SEEDS if path.name not in ("universal_families.yaml", "ghostnet_100.yaml", "inception_v3.yaml")]
quick = settings(max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


# -- valid by construction -----------------------------------------------------------------------------------------------------------------

leaf = st.sampled_from(["relu", "sigmoid", {"conv1x1": "same"}, {"conv3x3": "same"}, "dwconv3x3", "maxpool3x3", "norm", {"dropout": 0.1}])


def unit(flow):
    """A split-transform-merge around flows that keep their channels."""
    branches = st.lists(flow, min_size=1, max_size=3).map(lambda fs: {f"b{i}": f for i, f in enumerate(fs)})
    named = st.builds(lambda b, m: {"branches": b, "merge": m}, branches, st.sampled_from(["add", "max", "mul"]))
    keep, carry = st.sampled_from(["none", "first", "last"]), st.sampled_from(["none", "add", "half", "concat"])
    parts = st.builds(
        lambda n, f, k, c: [{"split": {"chunk": n}, "each": f, "keep": k, "carry": c, "merge": "concat"}, {"conv1x1": 24}],
        st.sampled_from([2, 3, 4]), flow, keep, carry,
    ).map(lambda steps: {"block": steps})  # fmt: skip
    copies = st.builds(lambda n, f: {"split": {"copy": n}, "each": f, "merge": "add"}, st.sampled_from([1, 2, 3]), flow)
    return st.one_of(named, copies), parts


flows = st.recursive(st.lists(leaf, max_size=3), lambda inner: st.lists(st.one_of(leaf, unit(inner)[0]), max_size=3), max_leaves=8)
outer = st.lists(st.one_of(leaf, unit(flows)[0], unit(flows)[1]), max_size=3)


def expand(flow, shape=(24, 8, 8)) -> Graph:
    text = yaml.safe_dump({"format": "blockspace/block/1", "block": "t", "flow": flow})
    return Block(TemplateFile(parse_yaml(text), "t.yaml").check()).graph(shape)


@given(outer)
@quick
def test_valid_blocks_build_and_survive_json(flow):
    graph = expand(flow).verify()
    assert graph.output_shape == (24, 8, 8)
    again = Graph.from_dict(json.loads(json.dumps(graph.as_dict())))
    assert again.key() == graph.key() and again.output_shape == graph.output_shape


@given(outer, st.integers(0, 2**32))
@quick
def test_the_key_does_not_see_names(flow, seed):
    graph = expand(flow)
    names = [node.name for node in graph if node.kind != "input"]
    random.Random(seed).shuffle(names)
    other = Graph(graph.input_shape)
    new = {"input": "input"} | {node.name: f"n{names.index(node.name)}" for node in graph if node.kind != "input"}
    for node in graph:
        if node.kind != "input":
            other.add(node.op, *(new[s] for s in node.inputs), name=new[node.name])
    other.output = new[graph.output]
    assert other.key() == graph.key()


@given(st.lists(flows, min_size=2, max_size=4), st.randoms(use_true_random=False))
@quick
def test_the_key_does_not_see_the_order_of_branches_that_commute(branches, rng):
    shuffled = rng.sample(branches, len(branches))

    def key(flows, merge):
        return expand([{"branches": {f"b{i}": f for i, f in enumerate(flows)}, "merge": merge}]).key()

    assert key(branches, "add") == key(shuffled, "add")
    alone = [expand(flow).key() for flow in branches]
    if alone != [expand(flow).key() for flow in shuffled]:
        assert key(branches, "concat") != key(shuffled, "concat")


def test_shared_and_separate_convolutions_differ():
    conv = {"conv3x3": "same"}
    shared = expand([conv, {"branches": {"a": ["relu"], "b": ["sigmoid"]}, "merge": "add"}])
    separate = expand([{"branches": {"a": [conv, "relu"], "b": [conv, "sigmoid"]}, "merge": "add"}])
    assert shared.key() != separate.key()
    once = expand([conv, {"branches": {"a": [], "b": []}, "merge": "add"}])
    twice = expand([{"branches": {"a": [conv], "b": [conv]}, "merge": "add"}])
    assert once.key() != twice.key()


# -- damaged files -------------------------------------------------------------------------------------------------------------------------

WORDS = [
    "0",
    "-1",
    "1e3",
    "5e-4",
    "60M",
    "010",
    "1:30",
    "yes",
    "true",
    "none",
    "same",
    "x[1]",
    "[]",
    "{}",
    "[relu]",
    "{relu: {}}",
    "a + ",
    "1/3",
    "~",
]
WORDS += [
    "input",
    "prev",
    "block",
    "{search: [1, 2]}",
    "{if: 1, then: 2}",
    "out_channels",
    "9**9",
    "((((",
    "'",
    '"',
    "&a",
    "*a",
    "!!int 3",
    "conv3x3",
]
WORDS += [
    "99999999999",
    "{search: 1..3}",
    "{solve: macs, range: 1..4}",
    "index",
    "part",
    "channels",
    "width",
    "{copy: 2}",
    "concat",
    "1..3",
    "a, b",
    "\x01",
]


def damaged(text: str, rng: random.Random) -> str:
    """The text with one to three mutations: a token replaced, or a line lost, doubled, moved or indented."""
    for _ in range(rng.randint(1, 3)):
        lines = text.splitlines()
        i = rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind == 0:
            del lines[i]
        elif kind == 1:
            lines.insert(i, lines[i])
        elif kind == 2:
            lines[i] = " " * rng.randint(0, 6) + lines[i].strip()
        elif kind == 3:
            lines.insert(rng.randrange(len(lines)), lines.pop(i))
        elif kind == 4 and lines[i]:
            at = rng.randrange(len(lines[i]))
            lines[i] = lines[i][:at] + rng.choice(":,[]{}#-&*!|>'\"% 0a.") + lines[i][at + rng.randint(0, 1) :]
        else:
            words = lines[i].replace(",", " , ").replace("}", " }").replace("]", " ]").split(" ")
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            lines[i] = " ".join(words)
        text = "\n".join(lines) + "\n" or "a"
        if not text.strip():
            return "a"
    return text


def survives(text: str, path: Path) -> str:
    """`ok` or `refused`; anything but a BlockspaceError escapes."""
    try:
        file = TemplateFile(parse_yaml(text, str(path)), str(path)).check()
        if file.mistakes:
            raise BlockspaceError(*file.mistakes)
        if file.kind == "block":
            Block(file).graph((64, 14, 14))
        else:
            Network(file).graph()
        return "ok"
    except BlockspaceError as e:
        assert e.render()
        return "refused"


def damage(path: Path, count: int) -> None:
    """Load that many damaged copies of a file, or see them refused."""
    text = path.read_text()
    for seed in range(count):
        mutant = damaged(text, random.Random(f"{path.stem}{seed}"))
        try:
            survives(mutant, path)
        except Exception as e:
            raise AssertionError(f"seed {seed}: {type(e).__name__}: {e}\n{mutant}") from e


def test_damaged_files_load_or_are_refused():
    try_each(lambda path: damage(path, 12), SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("path", SEEDS, ids=lambda p: p.stem)
def test_many_damaged_files(path):
    damage(path, 400)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
@quick
def test_any_text_is_read_or_refused(text):
    try:
        parse_yaml(text)
    except BlockspaceError as e:
        assert all(m.code in ("E-YAML", "E-TAG", "E-DUP-KEY", "E-KEY") for m in e.mistakes)


# -- expressions ---------------------------------------------------------------------------------------------------------------------------

number = st.integers(0, 40).map(str) | st.sampled_from(["0.5", "1.25", "a", "b", "c"])
terms = st.recursive(
    number,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-{t}"),
        st.tuples(inner, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), inner, inner, inner).map(
            lambda t: f"({t[3]} if {t[0]} {t[1]} {t[2]} else {t[4]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(st.sampled_from(["int", "floor", "ceil"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
    ),
    max_leaves=10,
)
NAMES = {"a": 7, "b": Fraction(3, 2), "c": -4}


def reference(text: str):
    """The same expression by Python itself, over fractions."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = Fraction(str(node.value))
    swapped = ast.fix_missing_locations(_Wrap().visit(tree))
    names = NAMES | {"F": Fraction, "min": min, "max": max, "int": int, "floor": math.floor, "ceil": math.ceil}
    return eval(compile(swapped, "reference", "eval"), {"__builtins__": {}}, names)  # noqa: S307


class _Wrap(ast.NodeTransformer):
    def visit_Constant(self, node):
        fraction = node.value
        parts = [ast.Constant(fraction.numerator), ast.Constant(fraction.denominator)]
        return ast.Call(ast.Name("F", ast.Load()), parts, [])

    def visit_Name(self, node):
        return ast.Call(ast.Name("F", ast.Load()), [node], []) if node.id in NAMES else node


@given(terms)
@settings(max_examples=400, deadline=None, derandomize=True, database=None)
def test_expressions_are_exact(text):
    try:
        expected = reference(text)
    except ZeroDivisionError:
        expected = "E-DIV"
    try:
        found = compile_expression(text).value(NAMES.__getitem__)
    except BlockspaceError as e:
        found = e.mistakes[0].code
        if found == "E-EXPR":
            return  # out of bounds
    assert found == expected


HOSTILE = [
    "__import__('os')", "().__class__", "a.b", "a[0]", "lambda: 1", "f'{a}'", "[a for a in b]", "{a: 1}", "(a := 1)", "a ** 2", "9**9**9",
    "1 << 10**10", "'%1000000000d' % 1", "'a'", "b'a'", "1j", "...", "None", "a if b", "print(1)", "open('x')", "eval('1')", "min(*a)",
    "max(a, key=b)",
    "a @ b", "~a", "a & b", "a is b", "a in b", "await a", "yield", "1 if", "", "()", "(1, 2)", "min(1)", "divisible(1)", "import os",
    "a; b",
    "1e999", "1e400", "0x", "9" * 400, "1" + "+1" * 300, "(" * 40 + "1" + ")" * 40, "-" * 60 + "1", "9007199254740993",
    "3000000 * 3000000 * 3000000", "\x00", "a\nb", "é", "１ + 1", "__builtins__", "int('1')", "round(1, 2)", "1_0 + __x",
]  # fmt: skip


def test_hostile_expressions():
    try_each(refuse_expression, HOSTILE)


def refuse_expression(text: str) -> None:
    try:
        compile_expression(text).value({"a": 1, "b": 2}.__getitem__)
    except BlockspaceError as e:
        assert e.mistakes[0].code in ("E-EXPR", "E-TYPE", "E-NAME", "E-DIV")
    except KeyError:
        assert text.isidentifier() or "__x" in text  # a plain name, which the caller answers
    else:
        raise AssertionError("it was evaluated")
