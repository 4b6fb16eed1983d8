"""Files that would take long are refused early. Work is counted (parses, nodes, tries, hints), so no verdict depends on the machine."""

from __future__ import annotations

import difflib

import pytest
from written import block

from blockspace import errors, reader
from blockspace.blocks import Block, Network, syntax
from blockspace.blocks.expansion import expander
from blockspace.blocks.template_file import TemplateFile
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.reader import parse_yaml

HEAD = "format: blockspace/block/1\nblock: b\n"
NETWORK = "format: blockspace/network/1\nnetwork: n\ninput: [3, 64, 64]\n"
TEN = "".join(f"  p{i}: [{', '.join([f'p{i - 1}'] * 10)}]\n" for i in range(1, 10))


def refuse(text: str) -> BlockspaceError:
    """The error of a block or network with this text."""
    with pytest.raises(BlockspaceError) as caught:
        file = TemplateFile(parse_yaml(text), "t.yaml").check()
        if file.mistakes:
            raise BlockspaceError(*file.mistakes)
        Block(file).graph((8, 8, 8)) if file.kind == "block" else Network(file).graph()
    assert len(caught.value.render()) < 40_000
    return caught.value


@pytest.fixture
def calls(monkeypatch):
    """Count the calls of functions: `calls(owner, name)` returns a list that grows by one with each."""

    def watch(owner, name):
        made, original = [], getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, **kwargs: made.append(name) or original(*args, **kwargs))
        return made

    return watch


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 8_000, HEAD + "flow: " + "{a: " * 10_000, HEAD + "flow:\n  " + "- " * 10_000 + "relu\n", "[" * 2_000 + "]" * 2_000,
     "a: [" + "{b: [" * 200, HEAD + "flow:\n" + "  - relu\n" * 40_000, HEAD + "flow: [" + "relu, " * 40_000 + "relu]\n",
     HEAD + "flow:\n" + "  - {conv1x1: {out: 8}}\n" * 30_000, HEAD + "flow:\n" + "- relu\r\n" * 21_000],
    ids=["brackets", "braces", "dashes", "closed", "mixed", "lines", "one line", "mappings", "crlf"],
)  # fmt: skip
def test_no_parser_sees_it(text, calls):
    parsed = calls(reader.yaml, "parse")
    assert [m.code for m in refuse(text).mistakes] == ["E-YAML"] and not parsed


@pytest.mark.parametrize(
    "text",
    ["doc: a " + "[" * 500, "doc: '" + "[" * 500 + "'", 'doc: "' + "{" * 500 + '"', "doc: x # " + "[" * 500, "doc: x\n# " + "[" * 500,
     "doc: a" + ", a" * 300, "doc: it's " + "[" * 500, "doc: |\n" + "  text, text\n" * 300 + "a: b"],
)  # fmt: skip
def test_brackets_and_commas_of_texts_are_letters(text):
    parse_yaml(text + "\n" * 300)


def test_the_slow_parser_explains_only_what_is_near(calls):
    scanned = calls(reader.yaml.SafeLoader, "fetch_more_tokens")
    error = refuse(HEAD + "flow:\n" + "  - {conv3x3: {out: 8, stride: 1}}\n" * 3_000 + "  - [a: b: c\n")
    assert "not valid YAML" in str(error) and not scanned
    refuse(HEAD + "flow: [relu, a: b: c]\n")
    assert scanned


@pytest.mark.parametrize(
    "flow, most",
    [("[{repeat: 50000, do: [relu]}]", 5), ("[{repeat: 1000, do: [{repeat: 1000, do: [{repeat: 1000, do: [relu]}]}]}]", 2_000),
     ("[{for: i in 1..30000, do: [{conv1x1: same}]}]", 10), ("[{block: resnet_basic, repeat: 9000}]", 50),
     ("[{repeat: 40000, do: [{split: {copy: 2}, each: [], merge: add}]}]", 10), (f"[{', '.join(['conv1x1: same'] * 9000)}]", 10)],
)  # fmt: skip
def test_equal_rounds_are_foreseen(flow, most, calls):
    made = calls(Graph, "add")
    error = refuse(HEAD + f"params: {{out_channels: 8}}\nflow: {flow}\n")
    assert [m.code for m in error.mistakes] == ["E-TOO-BIG"] and len(made) <= most


def test_blocks_of_blocks_stop_at_half_of_the_limit(calls):
    made = calls(Graph, "add")
    assert refuse(HEAD + f"parts:\n  p0: [relu]\n{TEN}flow: [p9]\n").mistakes[-1].code == "E-TOO-BIG" and len(made) < 12_000


def test_rounds_that_differ_are_all_expanded():
    assert len(block("[{for: i in 1..3000, do: [{relu: {}, if: i % 1000 == 1}]}]").graph((8, 8, 8))) == 4
    assert len(block("[{repeat: 3000, do: [{relu: {}, if: index < 8}]}]").graph((8, 8, 8))) == 8


def test_each_name_is_looked_for_where_the_last_one_ended():
    class Counting(set):
        asked = 0

        def __contains__(self, name):
            Counting.asked += 1
            return super().__contains__(name)

    flow = parse_yaml(HEAD + "flow: [" + "relu, norm, " * 1_000 + "relu]\n")
    file = TemplateFile(flow, "t.yaml").check()
    context = expander.Expansion(Block(file).holes, {}, (8, 8, 8))
    context.used = Counting(context.used)
    Block(file)._run(context)
    assert len(context.graph) == 2_002 and Counting.asked < 3 * 2_002


def test_few_values_are_tried_for_a_hint(calls):
    tried = calls(expander, "_satisfies")
    text = NETWORK + "stages:\n  - {block: shufflenet_v1, groups: 100000, repeat: 20, out_channels: 240}\n"
    assert "nearest legal groups: " in refuse(text).render() and len(tried) <= expander.MAX_TRIES


def test_few_mistakes_are_explained(calls):
    compared = calls(errors, "find_near_words")
    error = refuse(HEAD + "flow:\n" + "".join(f"  - rel{i}u\n" for i in range(15_000)))
    assert len(error.mistakes) <= 200 and len(compared) <= 200


def test_few_parts_with_mistakes_are_explained(calls):
    explained = calls(syntax, "unknown_operation_error")
    error = refuse(HEAD + "parts:\n" + "".join(f"  p{i}: [rel{i}u]\n" for i in range(3_000)) + "flow: [p1]\n")
    assert len(error.mistakes) <= 200 and len(explained) <= 200


def test_a_hint_lists_and_compares_few_of_many_names(calls):
    compared = calls(difflib.SequenceMatcher, "quick_ratio")
    names = "".join(f"  name{i}: {i}\n" for i in range(5_000))
    error = refuse(HEAD + f"let:\n{names}flow: [conv1x1: nmae17]\n")
    assert "did you mean 'name" in error.render() and ", and 4,9" in error.render() and len(error.render()) < 2_000
    assert len(compared) <= errors.MOST_COMPARED


@pytest.mark.parametrize("line", ["block: b\n", "k: !x 1\n", "<<: 1\n"])
def test_few_mistakes_of_the_reader_are_kept(line):
    assert len(refuse(HEAD + line * 5_000).mistakes) <= reader.MOST_REPORTED + 1


@pytest.mark.parametrize("flow", ["[" + "relu" * 100_000 + "]", f"[conv1x1: {'1+' * 100_000}1]", f"[conv1x1: {'a' * 100_000}]"])
def test_long_words_are_cut(flow):
    assert len(refuse(HEAD + f"flow: {flow}\n").render()) < 2_000


def test_a_chain_of_names_is_followed_once(calls):
    from blockspace.blocks import evaluate

    read = calls(evaluate, "evaluate_scalar")
    error = refuse(HEAD + "let:\n" + "".join(f"  a{i}: a{i + 1}\n" for i in range(3_000)) + "  a3000: 1\nflow: [relu]\n")
    assert [m.code for m in error.mistakes] == ["E-RECURSION"] and len(read) < 200
