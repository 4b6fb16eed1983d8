"""Variants: members of a network's family, by name in the library and by `variant=` in any file."""

from __future__ import annotations

import pytest
from cases import try_each

from blockspace import load
from blockspace.blocks import find_file, list_families, list_names, parse_reference, serialize_network
from blockspace.blocks.library_files import scan_variants
from blockspace.errors import BlockspaceError
from blockspace.searching import SearchSpace

FAMILY = """format: blockspace/network/1
network: small
doc: A family.
paper: arXiv:1 table 1
reference: timm:small
params:
  classes: 10
  n:   {default: 1, search: 1..3, doc: blocks}
  act: {default: relu, search: [relu, silu]}
  end: {default: plain, search: {plain: [conv1x1: 8], wide: [{conv3x3: {out: {default: 16, search: [16, 32]}}}]}}
variants:
  # a comment
  small-2.x: {n: 2}

  wide:
    n: 3
    act: silu
    end: wide
    doc: The wide one.
    paper: arXiv:1 table 2
    reference: torchvision:resnet50(groups=2, width_per_group=64)
  open: {n: {default: 2, search: [2, 4]}, reference: paper}
input: [3, 32, 32]
stages: [{block: resnet_basic, repeat: n, out_channels: 16}, block: end, act]
head: [global_avgpool, linear: classes]
"""


@pytest.fixture
def family(tmp_path):
    path = tmp_path / "family.yaml"
    path.write_text(FAMILY)
    return str(path)


def test_a_member_is_the_network_with_its_settings(family):
    base, two, wide = load(family), load(family, variant="small-2.x"), load(family, variant="wide")
    assert (base.name, two.name, wide.name) == ("small", "small-2.x", "wide")
    assert base.variants == wide.variants == ["small-2.x", "wide", "open"]
    assert two.graph().key() == load(family, n=2).graph().key()
    assert wide.graph().key() == load(family, n=3, act="silu", end="wide").graph().key()
    assert two.graph().name == "small-2.x"


def test_every_command_knows_a_member(family, capsys):
    from blockspace.cli import main
    from blockspace.cli.complete import complete_block_settings

    assert main(["show", family, "variant=wide", "act=relu"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("wide: The wide one.\nsource: arXiv:1 table 2\nreference: torchvision:resnet50")
    assert "family: small, small-2.x, open" in shown
    assert main(["compare", family, family, "B.variant=wide", "classes=7"]) == 0
    assert "variant=wide classes=7 at 3x32x32" in capsys.readouterr().out
    assert main(["show", family, "variant=small-2.x", "--source"]) == 0
    assert "class Small2X(nn.Module)" in capsys.readouterr().out
    assert main(["show", family, "variant=wid"]) == 2 and "did you mean 'wide'" in capsys.readouterr().err

    class Typed:
        params = {"target": family, "settings": []}

    assert "variant=small-2.x" in complete_block_settings(Typed, "variant=")


def test_what_a_member_says_of_itself(family):
    base, two, wide, opened = (load(family, variant=name) for name in ("small", "small-2.x", "wide", "open"))
    assert [t.doc for t in (base, two, wide)] == ["A family.", "small with n 2", "The wide one."]
    assert [t.paper for t in (base, two, wide)] == ["arXiv:1 table 1", "arXiv:1 table 1", "arXiv:1 table 2"]
    assert [t.reference for t in (base, two, opened)] == ["timm:small", "timm:small-2.x", "paper"]
    assert parse_reference(wide.reference) == ("torchvision", "resnet50", {"groups": 2, "width_per_group": 64})
    assert parse_reference("paper") is None
    assert parse_reference("torchvision:resnet50()+(1)") is None
    assert parse_reference("torchvision:resnet50(**{})") is None


def test_other_settings_win(family):
    assert load(family, variant="wide", n=1, end="plain", act="relu").graph().key() == load(family).graph().key()
    assert load(family)(variant="wide")(n=1).params["n"] == "1"
    assert load(family, variant="wide")(variant="small").name == "small"


def test_a_member_fills_the_holes_it_sets(family):
    assert list(load(family).holes.holes) == ["n", "act", "end", "end.wide.out"]
    assert list(load(family, variant="small-2.x").holes.holes) == ["act", "end", "end.wide.out"]
    opened = load(family, variant="open").holes.holes
    assert opened["n"].default == 2 and 4 in opened["n"].domain


def test_a_member_is_written_out_whole(family, tmp_path):
    net = load(family, variant="wide")
    space = SearchSpace(net)
    for seed in range(4):
        values = space.random(seed)
        path = tmp_path / "arch.yaml"
        path.write_text(serialize_network(net, values))
        again = load(path)
        assert "variants" not in path.read_text() and again.name == "wide" and again.doc == "The wide one."
        assert again.graph().key() == net.graph(values=values).key()


def test_a_changed_file_is_read_anew(family, tmp_path):
    import os

    assert load(family, variant="wide").params["n"] == "3"
    (tmp_path / "family.yaml").write_text(FAMILY.replace("n: 3", "n: 1"))
    os.utime(family, (1, 1))
    assert load(family, variant="wide").params["n"] == "1"


def refused(*args, **settings) -> str:
    with pytest.raises(BlockspaceError) as caught:
        load(*args, **settings)
    return caught.value.render()


def test_unknown_ones_are_named(family):
    told = refused(family, variant="widee")
    assert "small has no variant 'widee'" in told and "did you mean 'wide'? known: small, small-2.x, wide, open" in told
    assert "resnext has no param 'variant'" in refused("resnext", variant="x")
    assert "no block or network called 'small-2.x'" in refused("small-2.x")


def test_mistakes_of_a_member_have_its_place(family, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(FAMILY.replace("act: silu", "act: [conv9]"))
    told = refused(str(path), variant="wide")
    assert "bad.yaml:17:" in told and "conv9" in told


def test_the_librarys_index_is_what_the_reader_reads():
    try_each(check_index, list_families())


def check_index(name: str) -> None:
    network = load(name)
    assert network.name == name and scan_variants(network.file.path) == network.variants
    for variant in network.variants:
        assert variant in list_names("network") and find_file(variant, "network") == find_file(name, "network")
        assert load(variant).name == variant == load(name, variant=variant).name


def test_the_index_reads_the_text_as_yaml_is_read(family, tmp_path):
    assert scan_variants(family) == load(family).variants
    (tmp_path / "none.yaml").write_text(FAMILY.replace("variants:", "  # variants:"))
    assert scan_variants(tmp_path / "none.yaml") == []


def test_every_network_says_its_reference():
    silent = [name for name in list_names("network") if not load(name).reference]
    assert not silent, f"{silent} do not say whose weights they take"
