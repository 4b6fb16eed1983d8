"""The schemas of blocks and networks against jsonschema: what is right validates, what is structurally wrong does not."""

from __future__ import annotations

import re
from pathlib import Path

from cases import try_each
from jsonschema import Draft202012Validator
from schema.core import core
from yaml import YAMLError

from blockspace.blocks import list_names
from blockspace.cli import main
from blockspace.errors import CODES
from blockspace.ops import OPS
from blockspace.schema import KINDS, modeline, schema, schema_text, stored_path

ROOT = Path(__file__).parents[2]
BAD = ROOT / "tests" / "blocks" / "bad"
VALIDATOR = {kind: Draft202012Validator(schema(kind)) for kind in KINDS}
SHIPPED = sorted(
    path
    for folder in ("blockspace/blocks/library", "searchspaces", "studies", "tests/blocks/grammar")
    for path in (ROOT / folder).rglob("*.yaml")
    if "format: blockspace/" in path.read_text()
)

# Mistakes of structure that a schema cannot see, and why.
UNSEEN = {
    "duplicate_keys",  # the YAML reader's: a schema sees one of the two
    "no_input",  # right in a study, where the data gives the shape
    "setting_twice",  # whether one name stands in two places
    "variant_setting",  # which params there are
    "variant_named_like_library",  # right in the file that has these variants
    "variant_param_names",  # right in a file without variants
}
STRUCTURE = {"E-KEY", "E-OP", "E-WORD", "E-SHADOW"}


def kind_of(content: str) -> str:
    found = re.search(r"^format: blockspace/(\w+)/", content, re.MULTILINE)
    return found[1] if found and found[1] in KINDS else "block"


def refused(content: str) -> bool:
    """Whether an editor would complain: about the YAML, or by the schema."""
    try:
        found = core(content)
    except YAMLError:
        return True
    return not VALIDATOR[kind_of(content)].is_valid(found)


def test_they_are_schemas():
    for kind in KINDS:
        Draft202012Validator.check_schema(schema(kind))


def test_the_stored_schemas_are_current():
    changed = [kind for kind in KINDS if stored_path(kind).read_text(encoding="utf-8") != schema_text(kind)]
    assert not changed, "run `python -m blockspace.schema`, which writes them anew"


def validate_file(path: Path) -> None:
    content = path.read_text()
    errors = [f"{e.json_path}: {e.message}" for e in VALIDATOR[kind_of(content)].iter_errors(core(content))]
    assert not errors


def test_what_is_shipped_validates():
    try_each(validate_file, SHIPPED)


def check_modeline(path: Path) -> None:
    content = path.read_text()
    assert content.splitlines()[0] == modeline(kind_of(content), path), "the first line says where the schema is"
    assert (path.parent / content.splitlines()[0].partition("=")[2]).resolve() == stored_path(kind_of(content))


def test_what_is_shipped_says_its_schema():
    try_each(check_modeline, [path for path in SHIPPED if "grammar" not in path.parts])


def structural() -> list[str]:
    """The bad files whose one mistake is of structure."""
    return [p.stem for p in sorted(BAD.glob("*.txt")) if set(p.read_text().splitlines()[0].split()) <= STRUCTURE]


def test_mistakes_of_structure_are_refused():
    found = {name: refused((BAD / f"{name}.yaml").read_text()) for name in structural()}
    assert {name for name, is_refused in found.items() if not is_refused} == UNSEEN & found.keys()


def test_most_kinds_of_mistakes_are_seen():
    assert len(structural()) - len(UNSEEN) >= 35 and STRUCTURE <= set(CODES)


def test_every_operation_and_library_block_is_there():
    properties = schema("block")["$defs"]["operation_closed"]["properties"]
    words = {name for name, op in OPS.items() if op.step or op.kind == "merge"}
    assert words | set(list_names("block")) <= set(properties)
    windows = {"conv": "convolution", "maxpool": "max_pooling", "avgpool": "average_pooling"}
    own_words = {"input", "copy", "part", "batch_norm", "layer_norm", "group_norm"}  # `input:`, splits, and `norm: batch`
    assert set(OPS) == words | set(windows) | own_words, "a new kind of operation needs a place in the schema"
    assert set(windows.values()) <= set(schema("block")["$defs"])


RIGHT = [
    "flow: relu",
    "flow: [{conv3x3: same, as: a}, {relu: {}, from: input, if: in_channels > 3}, {add: 'a, prev'}]",
    "flow: [conv3x3: {out: {search: [8, 16]}, act: {if: in_channels > 4, then: relu, else: none}}]",
    "flow: [{split: chunk, branches: {a: [], b: none}, keep: {last: [relu]}, carry: {take: 1/3, join: add}, merge: concat}]",
    "flow: [{for: i in 2..4, do: [conv1x1: i * 8]}, {repeat: 3, do: relu}, {if: in_channels > 2, then: [relu], else: none}]",
    "flow: [{block: conv3x3, out: 8, repeat: 2}, {block: {if: true, then: relu, else: []}}, {block: [relu, gelu]}]",
    "params: {op: [relu], n: 2}\nflow: [op, {block: op, repeat: n}, {split: {chunk: n}, each: op, merge: {search: [add, max]}}]",
    "parts: {mine: [relu], other: {params: {w: 4}, flow: [conv1x1: w]}}\nflow: [mine, {other: {w: 8}}, {block: other, w: 3}]",
    "flow: [avgpool11x11: {stride: [2, 1], padding: 0}, dwconv5x5, norm: group, linear: 10, dropout: 0.5, conv: {k: [1, 7], out: 8}]",
    "params: {w: {solve: macs, range: 1..64}}\nlet: {m: w * 2}\nrequire: [m > 2]\ndefaults: {act: gelu, bn_eps: 1e-3}\nflow: [conv1x1: m]",
    "flow: [resnext: {cardinality: {search: inherit}, width: 8}, {block: resnext, out_channels: 64, stride: 2, repeat: 3, name: late}]",
]


def test_every_form_of_a_step_validates():
    assert not [content for content in RIGHT if refused(f"format: blockspace/block/1\nblock: right\n{content}\n")]


WRONG = [
    "flow: [{split: {chunk: 2}, branches: {a: []}, each: relu}]",
    "flow: [{split: {chunks: 2}, each: relu}]",
    "flow: [{split: {chunk: 2}, each: relu, merges: add}]",
    "flow: [{split: {chunk: 2}, each: relu, keep: middle}]",
    "flow: [{for: i of 2..4, do: relu}]",
    "flow: [{repeat: 2, do: relu, while: true}]",
    "flow: [{block: relu, repeats: 2, block2: 1}, {conv3x3: {out: 4, act: 3}}]",
    "flow: [concat]",
    "flow: [linear]",
    "params: {n: 2}\nflow: [conv33: 8]",
    "params: {n: {default: 2, serach: 1..2}}\nflow: [relu]",
    "parts: {p: {param: {w: 4}, flow: [relu]}}\nflow: [p]",
    "flow: [conv3x3: {out: 8.5}]",
    "let: {relu: 3}\nflow: [relu]",
]


def test_wrong_forms_are_refused():
    assert not [content for content in WRONG if not refused(f"format: blockspace/block/1\nblock: wrong\n{content}\n")]


def test_the_command_prints_it(capsys):
    for kind in KINDS:
        assert main(["schema", kind]) == 0 and capsys.readouterr().out == schema_text(kind)
        assert main(["schema", kind, "--path"]) == 0 and capsys.readouterr().out.strip() == str(stored_path(kind))


def test_an_unknown_kind(capsys):
    assert main(["schema", "blok"]) == 2 and "did you mean 'block'?" in capsys.readouterr().err
