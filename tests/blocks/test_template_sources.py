"""The files of a template as texts for one folder: as they were written, and the same network."""

from __future__ import annotations

import pytest
from study import tiny

from blockspace.blocks import gather_template_files, load

OUTER = """
format: blockspace/block/1
block: outer
blocks: {pair: PATH}
params: {out_channels: 16, stride: 1, width: 4}
flow: [pair: {out_channels: out_channels, stride: stride, width: width}]
"""


def write_all(folder, files) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_files_beside_each_other_stay_to_the_letter(tmp_path):
    tiny.write(tmp_path)
    assert gather_template_files(load(tmp_path / "space.yaml")) == {"space.yaml": tiny.SPACE, "plain_pair.yaml": tiny.MINE}


@pytest.mark.parametrize("style", ["{}", "'{}'", '"{}"', "&here {}"])
def test_files_elsewhere_are_named_beside_and_the_network_is_the_same(tmp_path, style):
    """The space imports a block above it, which imports one by an absolute path that has the space's own name."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "blocks").mkdir()
    space = tmp_path / "deep" / "er" / "space.yaml"
    space.write_text(tiny.SPACE.replace("./plain_pair.yaml", style.format("../../blocks/outer.yaml")))
    (tmp_path / "blocks" / "outer.yaml").write_text(OUTER.replace("PATH", style.format(tmp_path / "blocks" / "SPACE.yaml")))
    (tmp_path / "blocks" / "SPACE.yaml").write_text(tiny.MINE)
    before = load(space).graph(values={"block": "mine"}).key()
    found = gather_template_files(load(space))
    assert list(found) == ["space.yaml", "outer.yaml", "SPACE_2.yaml"] and str(tmp_path) not in "".join(found.values())
    write_all(tmp_path / "copy", found)
    for name in ("deep", "blocks"):
        (tmp_path / name).rename(tmp_path / f"{name}_gone")
    again = load(tmp_path / "copy" / "space.yaml")
    assert again.graph(values={"block": "mine"}).key() == before
    assert gather_template_files(again) == found, "a copy of the copy is the copy"


def test_blocks_of_the_library_and_blocks_in_the_file_need_no_file(tmp_path):
    inline = tiny.SPACE.replace(
        "{plain_pair: ./plain_pair.yaml}", "{plain_pair: {params: {out_channels: 8, stride: 1, width: 4}, flow: [conv1x1: out_channels]}}"
    )
    (tmp_path / "space.yaml").write_text(inline)
    assert gather_template_files(load(tmp_path / "space.yaml")) == {"space.yaml": inline}


def test_a_member_of_a_family_has_no_text_of_its_own():
    assert gather_template_files(load("wide_resnet50_2")) is None
    assert list(gather_template_files(load("resnet50"))) == ["resnet50.yaml"]
