"""Pictures of every block and network of the library, and of random graphs."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from cases import try_each
from hypothesis import HealthCheck, given, note, settings
from random_graphs import graphs
from seen import Seen, check
from written import built

from blockspace import load
from blockspace.blocks import list_families, list_names
from blockspace.drawing import build_style_sheet, draw_png, draw_svg
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import OPS
from blockspace.passes import canonical

BLOCKS, NETWORKS = list_names("block"), list_families()


def drawn(name: str):
    template = load(name)
    return template.graph(template.usual_shape)


def check_block(name: str) -> None:
    graph = drawn(name)
    check(draw_svg(graph))
    assert_whole(graph, check(draw_svg(graph, fold=False)))


def test_every_block():
    try_each(check_block, BLOCKS)


def test_every_canonical_block():
    try_each(lambda name: check(draw_svg(canonical(drawn(name)), fold=False)), BLOCKS)


def test_every_network():
    try_each(check_network, NETWORKS)


def check_network(name: str) -> None:
    graph = drawn(name)
    seen = check(draw_svg(graph))
    assert {box.kind for box in seen.boxes} >= {"input", "output"} and len(seen.leaves) < 150


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_in_full(name):
    graph = drawn(name)
    assert_whole(graph, check(draw_svg(graph, stages=False, fold=False)))


def assert_whole(graph, seen: Seen) -> None:
    """All costs are told at some box, and the channels of every value at some edge."""
    lines = [line.split() for text in leaf_titles(seen) for line in text.split("\n")]
    counted = sum(int(words[0].replace(",", "")) for words in lines if words[1:] == ["macs"])
    assert counted == sum(node.op.macs(node.shape) for node in graph)
    read = {source for node in graph for source in node.inputs}
    wanted = {str(graph[name].shape[0]) for name in read if not inner(graph, name)}
    shown = {word.partition("×")[0] for word in seen.words()}
    assert wanted <= shown


def leaf_titles(seen: Seen) -> list[str]:
    leaves = {box.name for box in seen.leaves}
    return [text for name, text in seen.titles().items() if name in leaves]


def inner(graph, name: str) -> bool:
    """Whether a value stays inside of one box."""
    from blockspace.drawing.units import group_unit_nodes

    of = {node.name: i for i, nodes in enumerate(group_unit_nodes(graph)) for node in nodes}
    return all(of[reader] == of[name] for reader in graph.readers()[name])


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_random_graphs(graph):
    picture = draw_svg(graph, fold=False)
    note("\n".join(f"{node.name} {node.inputs}" for node in graph))
    assert_whole(graph, check(picture))
    assert picture == draw_svg(graph, fold=False)


def test_branches_stand_in_the_order_of_the_yaml():
    flow = """
    - branches:
        zeta:  [conv1x1: 8]
        alpha: [conv3x3: 8, conv3x3: 8]
        mid:   []
        beta:  [maxpool3x3]
      merge: concat
    """
    seen = check(draw_svg(built(flow)))
    left = [seen.box(name).left for name in ("zeta.conv1x1", "alpha.conv3x3", "beta.maxpool3x3")]
    assert left == sorted(left)
    branches = [text.text for text in sorted(seen.small, key=lambda t: float(t.get("x"))) if "branch" in text.get("class")]
    assert branches == ["zeta", "alpha", "beta"]
    tops = {seen.box(name).top for name in ("zeta.conv1x1", "beta.maxpool3x3")}
    assert max(tops) < seen.box("alpha.conv3x3_2").bottom, "branches stand side by side"


@pytest.mark.parametrize("name", ["hs_block", "res2net"])
def test_parts_that_carry_are_columns_in_order(name):
    seen = check(draw_svg(drawn(name)))
    boxes = [next(b for b in seen.leaves if f"part{i}.conv3x3" in b.name) for i in ((2, 3, 4, 5) if name == "hs_block" else (1, 2, 3))]
    assert all(a.right < b.left and a.top < b.top for a, b in zip(boxes, boxes[1:]))


def test_channels_stand_at_edges():
    words = Counter(Seen(draw_svg(load("hs_block", splits=4).graph((64, 8, 8)))).words())
    assert words["16"] >= 4 and {"64", "24", "12", "28", "8"} <= set(words)


def test_kinds_have_shapes_of_their_own():
    boxes = {box.kind for box in Seen(draw_svg(drawn("hs_bottleneck"))).boxes}
    assert boxes == {"input", "output", "split", "copy", "transform", "concat", "join", "block"}


def test_equal_branches_fold():
    graph = load("resnext_a").graph((256, 8, 8))
    seen = Seen(draw_svg(graph))
    assert len([b for b in seen.leaves if "part" in b.name]) == 7 and "30 more" in seen.words()
    assert len([b for b in Seen(draw_svg(graph, fold=False)).leaves if "part" in b.name]) == 96
    assert "more" not in {b.kind for b in Seen(draw_svg(load("resnext_a", cardinality=4).graph((256, 8, 8)))).leaves}


def test_equal_blocks_fold():
    network = load("resnet50")
    graph = network.graph()
    shown = Seen(draw_svg(graph, stages=False)).words()
    assert [word for word in shown if "× " in word and "resnet" in word] == [f"resnet_bottleneck  × {n}" for n in (2, 3, 5, 2)]
    assert len([w for w in Seen(draw_svg(graph, stages=False, fold=False)).words() if w == "resnet_bottleneck"]) == 16


def test_a_network_shows_each_distinct_block_once():
    seen = Seen(draw_svg(load("resnet50").graph()))
    shown = [w for n in (2, 3, 5, 2) for w in ("resnet_bottleneck", f"resnet_bottleneck × {n}")]
    assert Counter(w for w in seen.words() if "bottleneck" in w) == Counter([*shown, "resnet_bottleneck", "resnet_bottleneck"])
    stages = [box for box in seen.leaves if box.kind == "stage"]
    assert len(stages) == 8 and len(seen.frames) == 2
    assert max(box.right for box in stages) < min(frame.left for frame in seen.frames)
    letters = [text.text for text in seen.texts if text.get("class") == "letter"]
    assert Counter(letters) == Counter("AB" * 5), "a letter at each stage and at the panel of its block"


def test_heat_is_each_nodes_share():
    graph = built("- conv1x1: 8\n- conv3x3: 8")
    seen = Seen(draw_svg(graph))
    assert seen.titles()["conv1x1"].split("\n") == ["conv1x1", "8 × 8 × 8", "80 params", "4,096 macs", "10.0% of macs"]
    assert "90.0% of macs" in seen.titles()["conv3x3"] and "90%" in seen.words()
    assert opacities(draw_svg(graph)) == [pytest.approx(0.85 / 9, abs=1e-3), 0.85]
    assert opacities(draw_svg(graph, heat={"conv1x1.conv": 3, "conv3x3.conv": 1})) == [0.85, pytest.approx(0.283, abs=1e-3)]
    assert not opacities(draw_svg(graph, heat=None)) and "share" not in draw_svg(graph, heat=None)
    assert opacities(draw_svg(graph, heat="params"))[1] == 0.85


def opacities(picture: str) -> list[float]:
    seen = Seen(picture)
    inside = [shape for group in seen.root.iter() if group.get("data-unit") for shape in group]
    return [float(shape.get("fill-opacity")) for shape in inside if shape.get("class") == "heat"]


@pytest.mark.parametrize(
    "options, code",
    [({"heat": "mac"}, "E-KEY"), ({"heat": {"gone": 1}}, "E-KEY"), ({"heat": {"input": -1}}, "E-TYPE"), ({"theme": "drak"}, "E-TYPE")],
)
def test_what_cannot_be_drawn(options, code):
    with pytest.raises(BlockspaceError) as caught:
        draw_svg(built("- relu"), **options)
    assert caught.value.mistakes[0].code == code


def test_the_same_graph_gives_the_same_text():
    assert draw_svg(drawn("hs_bottleneck")) == draw_svg(drawn("hs_bottleneck"))


def test_two_drawings_in_one_page_do_not_share_rules():
    one, two = draw_svg(drawn("hs_block")), draw_svg(drawn("res2net"))
    classes = [Seen(text).root.get("class") for text in (one, two)]
    assert len(set(classes)) == 2
    for text, own in zip((one, two), classes):
        sheet = text[text.index("<style>") : text.index("</style>")]
        selectors = [part for line in sheet.splitlines()[1:] for part in line.partition("{")[0].split(",") if part.strip()]
        assert all(own in part or part.startswith("@media") for part in selectors)
        assert " id=" not in text and "url(" not in text and "<script" not in text and "href" not in text


@pytest.mark.parametrize("theme, colours", [("light", 1), ("dark", 1), ("auto", 2)])
def test_themes(theme, colours):
    text = draw_svg(drawn("hs_block"), theme=theme)
    assert ("prefers-color-scheme:dark" in text) == (theme == "auto") and ("var(--bs-" in text) == (theme == "auto")
    assert sum(colour in text for colour in ("#ffffff", "#0d1117")) == colours


def test_a_page_can_carry_the_rules_once():
    graph = drawn("hs_block")
    bare, whole = draw_svg(graph, styled=False), draw_svg(graph)
    assert "style" not in bare and Seen(bare).root.get("class") == "bs-drawing"
    own = Seen(whole).root.get("class")
    sheet = build_style_sheet().replace("bs-drawing", own)
    assert whole == bare.replace("bs-drawing", own).replace('">\n', f'">\n<style>{sheet}</style>\n', 1)


def test_names_are_escaped():
    graph = built("- relu")
    graph.name = "<script>alert('&\"')</script>"
    seen = Seen(draw_svg(graph))
    assert graph.name in seen.words() and "<script" not in draw_svg(graph) and "<script" not in graph._repr_html_()


@pytest.mark.parametrize("theme, corner", [("light", (255, 255, 255)), ("dark", (13, 17, 23))])
def test_png(theme, corner):
    image = pytest.importorskip("PIL.Image")
    graph = drawn("res2net")
    opened = image.open(io.BytesIO(draw_png(graph, theme=theme, scale=3))).convert("RGB")
    root = Seen(draw_svg(graph)).root
    assert opened.size == tuple(3 * int(root.get(key)) for key in ("width", "height"))
    assert opened.getpixel((0, 0)) == opened.getpixel((opened.width // 2, 10)) == corner and len(opened.getcolors(1 << 20)) > 50


def test_a_value_read_by_nothing_but_the_output():
    seen = check(draw_svg(built("- conv1x1: 8", shape=(4, 2, 2))))
    assert [box.kind for box in seen.boxes] == ["input", "transform", "output"]


def dense(steps: int) -> Graph:
    """A graph in which each step adds the input and all steps before it."""
    graph, names = Graph((4, 8, 8), "dense"), ["input"]
    for step in range(steps):
        names.append(graph.add(OPS["add"](), *names, name=f"step{step}").name)
    return graph


def test_more_edges_than_can_be_told_apart_are_refused_before_they_are_routed():
    with pytest.raises(BlockspaceError, match="dense: 11,326 edges between 152 steps cannot be told apart in a picture") as caught:
        draw_svg(dense(150))
    assert caught.value.mistakes[0].code == "E-TOO-BIG" and "--nodes" in caught.value.mistakes[0].help
    assert draw_svg(dense(20)).startswith("<svg")
