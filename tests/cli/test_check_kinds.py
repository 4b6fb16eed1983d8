"""`check` tells a file's kind by its keys, however they are written, and builds blocks also with a stride."""

from __future__ import annotations

import pytest

from blockspace.blocks import load
from blockspace.cli.check import describe_target, find_stride_problem, is_study
from blockspace.errors import BlockspaceError
from blockspace.reader import read_top_scalar

STUDY = "format: blockspace/study/1\nstudy: s\nspace: n.yaml\n"
SPELLINGS = {
    "plain": STUDY,
    "byte order mark": "\ufeff" + STUDY,
    "quoted": STUDY.replace("blockspace/study/1", '"blockspace/study/1"'),
    "quoted key": STUDY.replace("format", "'format'"),
    "flow style": "{format: blockspace/study/1, study: s, space: n.yaml}\n",
    "carriage returns": STUDY.replace("\n", "\r\n"),
    "comments and a marker": "# a comment\n\n---\n# another\n" + STUDY,
    "a directive": "%YAML 1.2\n---\n" + STUDY,
    "indented": "".join(f"  {line}\n" for line in STUDY.splitlines()),
    "spaces": STUDY.replace("format:", "format  :   "),
    "last": "study: s\nspace: n.yaml\ndoc: |\n  format: blockspace/block/1\nformat: blockspace/study/1\n",
    "without a format": "study: s\nspace: n.yaml\n",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=list(SPELLINGS))
def test_a_study_is_known_in_every_spelling(text, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes(text.encode())
    assert is_study(str(path))
    with pytest.raises(BlockspaceError) as caught:
        describe_target(str(path))
    assert "study" in str(caught.value) or "n.yaml" in str(caught.value)
    assert "not a block" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["format: blockspace/block/1\nblock: b\ndoc: |\n  format: blockspace/study/1\nflow: [relu]\n", "[format, blockspace/study/1]\n",
     "format", "",
     "a: {format: blockspace/study/1}\n", "format: [blockspace/study/1]\n", "format: blockspace/network/1\nx: [\n", "- " * 100, "\xff"],
)  # fmt: skip
def test_others_are_not(text, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes(text.encode("latin-1"))
    assert not is_study(str(path))


def test_a_folder_or_nothing_has_no_kind(tmp_path):
    assert read_top_scalar(str(tmp_path), "format") is None and read_top_scalar(str(tmp_path / "none"), "format") is None


def test_a_block_that_cannot_stride_is_told(tmp_path):
    path = tmp_path / "b.yaml"
    text = "format: blockspace/block/1\nblock: b\nparams: {stride: 1}\n"
    text += "flow: [{conv3x3: {out: same, stride: stride}, as: x}, {add: 'x, input'}]\n"
    path.write_text(text)
    assert describe_target(str(path)).endswith("; with stride: 2 not: add needs equal sizes: input 1 = 64x28x28, input 2 = 64x56x56")
    path.write_text(text + "require: [stride == 1]\n")
    assert "stride" not in describe_target(str(path))


def test_a_block_of_the_library_strides():
    assert find_stride_problem(load("resnext")) is None
