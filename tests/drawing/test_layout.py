"""The algorithms of the layout: cuts, branches, folding, columns, routes and tracks."""

from __future__ import annotations

from math import ceil

import pytest
from seen import Seen, Way, check
from written import built

from blockspace import load
from blockspace.drawing import draw_svg
from blockspace.drawing.dedupe import build_drawing_key, build_form_key, build_stage_key, build_unit_key
from blockspace.drawing.edge_routing import RoutingTracks
from blockspace.drawing.font import covers_char, measure_text
from blockspace.drawing.node_shapes import write_arrow_head, write_edge_path
from blockspace.drawing.series_parallel import find_branches, find_cut_units
from blockspace.drawing.svg import MARGIN, join_lines
from blockspace.drawing.units import DrawingLevel, DrawingUnit, build_levels
from blockspace.graph import Graph
from blockspace.ops import Add, Concat, Conv


def branch_keys(flow: str) -> list[object]:
    """The drawing key of each branch of the only split of a block."""
    level = build_levels(built(flow, shape=(8, 4, 4)))
    inner = [unit for unit in level.units if "." in unit.name]
    edges = [edge for edge in level.edges if edge.source in inner or edge.target in inner]
    return [build_drawing_key(*branch) for branch in find_branches(inner, edges)]


def test_branches_with_the_same_operations_and_shapes_have_one_key():
    a, b, c = branch_keys("- branches: {a: [conv3x3: 8], b: [conv3x3: 8], c: [conv3x3: 4, conv1x1: 8]}\n  merge: add")
    assert a == b != c


@pytest.mark.parametrize("other", ["conv1x1: 8", "conv3x3: {out: 8, dilation: 2}", "maxpool3x3"])
def test_branches_with_another_operation_have_another_key(other):
    a, b = branch_keys(f"- branches: {{a: [conv3x3: 8], b: [{other}]}}\n  merge: add")
    assert a != b


def test_branches_connected_in_another_way_have_another_key():
    """The same units one after the other and side by side."""
    graph = built("- conv1x1: 8\n- conv1x1: 8\n- conv1x1: 8", shape=(8, 4, 4))
    level = build_levels(graph)
    assert build_drawing_key(level.units, level.edges) != build_drawing_key(level.units, level.edges[:-1])


def test_one_branch_that_differs_is_not_folded():
    """Of six branches the third has another kernel: no five in a row are equal."""
    branches = ", ".join(f"b{i}: [{'conv1x1' if i == 2 else 'conv3x3'}: 8]" for i in range(6))
    seen = check(draw_svg(built(f"- branches: {{{branches}}}\n  merge: add", shape=(8, 4, 4))))
    assert len([box for box in seen.leaves if box.kind == "transform"]) == 6
    branches = branches.replace("conv1x1", "conv3x3")
    equal = check(draw_svg(built(f"- branches: {{{branches}}}\n  merge: add", shape=(8, 4, 4))))
    assert [box.kind for box in sorted(equal.leaves, key=lambda box: box.left)].count("transform") == 2 and "4 more" in equal.words()


def blocks_of(name: str) -> list[DrawingUnit]:
    return [unit for unit in build_levels(load(name).graph()).units if unit.kind == "block"]


def test_blocks_are_equal_in_texts_and_shapes_or_in_form_alone():
    first, second, third, *_ = blocks_of("resnet18")
    last = blocks_of("resnet18")[-1]
    assert build_unit_key(first) == build_unit_key(second) != build_unit_key(last)
    assert build_form_key(first) == build_form_key(second) == build_form_key(last) != build_form_key(third), "the third has a shortcut"
    assert build_stage_key(first) == build_stage_key(second) != build_stage_key(last)


def cuts(level: DrawingLevel) -> list[str]:
    return [unit.name for unit in find_cut_units(level.units, level.edges)]


def test_cuts_are_the_units_on_every_path():
    flow = "- conv1x1: 8\n- branches: {a: [conv3x3: 8], b: []}\n  merge: add\n- relu"
    assert cuts(build_levels(built(flow, shape=(8, 4, 4)))) == ["input", "conv1x1", "copy", "add", "relu", "output"]


def test_branches_are_connected_parts_and_edges_that_pass_by():
    level = build_levels(built("- branches: {a: [conv3x3: 8, relu], b: [], c: [conv1x1: 8]}\n  merge: add", shape=(8, 4, 4)))
    inner = [unit for unit in level.units if "." in unit.name]
    between = [e for e in level.edges if "input" not in (e.source.name, e.source.kind) and e.target.kind != "output"]
    parts = find_branches(inner, between)
    assert sorted([unit.name for unit in units] for units, _ in parts) == [[], ["a.conv3x3", "a.relu"], ["c.conv1x1"]]
    assert sum(len(edges) for _, edges in parts) == len(between)


def way(seen: Seen, source: str, target: str) -> Way:
    return next(way for way in seen.ways if (way.source, way.target) == (source, target))


def test_a_part_is_carried_level_into_the_merge_of_the_next_column():
    seen = check(draw_svg(load("hs_block", splits=4).graph((64, 8, 8))))
    for i in (2, 3):
        (ax, ay), (bx, by) = way(seen, f"part{i}.emit", f"part{i + 1}.carry").points
        assert ay == by and ax == seen.box(f"part{i}.emit").right and bx == seen.box(f"part{i + 1}.carry").left
        (ax, ay), (bx, by) = way(seen, f"part{i}.emit", "concat").points
        assert ax == bx and ay == seen.box(f"part{i}.emit").bottom, "and the rest goes straight down its column"


def crossing() -> Graph:
    """Sums of values across columns: no branches, and every kind of route."""
    graph = Graph((4, 6, 6), "crossing")
    for name in ("a", "b", "c"):
        graph.add(Conv(4, 4, (1, 1)), "input", name=name)
    for name, sources in {"ab": ("a", "b"), "abc": ("ab", "c"), "bca": ("b", "abc", "a")}.items():
        graph.add(Add(), *sources, name=name)
    graph.add(Concat(), "abc", "bca", "ab", name="end")
    return graph.verify()


@pytest.mark.parametrize(
    "source, target, out, into",
    [("b", "ab", "left", "right"), ("c", "abc", "left", "right"), ("a", "bca", "right", "left")],
)
def test_a_value_of_another_column_leaves_and_enters_at_sides(source, target, out, into):
    """Below the middle of its source's side, above the middle of its target's."""
    seen = check(draw_svg(crossing()))
    (ax, ay), (bx, by) = (way(seen, source, target).points[i] for i in (0, -1))
    start, end = seen.box(source), seen.box(target)
    assert ax == getattr(start, out) and bx == getattr(end, into)
    assert (start.top + start.bottom) / 2 < ay < start.bottom and end.top < by < (end.top + end.bottom) / 2


def test_a_value_of_the_same_column_goes_straight_down():
    seen = check(draw_svg(crossing()))
    for source, target in (("a", "ab"), ("ab", "abc"), ("b", "bca")):
        (ax, ay), (bx, by) = way(seen, source, target).points
        assert ax == bx and ay == seen.box(source).bottom and by == seen.box(target).top


def test_columns_follow_the_order_of_writing_and_layers_the_longest_path():
    seen = check(draw_svg(crossing()))
    assert seen.box("a").left < seen.box("b").left < seen.box("c").left
    assert seen.box("a").top == seen.box("b").top < seen.box("ab").top < seen.box("abc").top
    bca = seen.box("bca")
    assert bca.top < seen.box("abc").bottom and bca.bottom > seen.box("abc").top, "level with what it takes from its left"


def forking(*steps: str) -> Graph:
    """Convolutions after one another that read a sum, and whose value is read in two columns; a block, where their names have a path."""
    graph = Graph((4, 6, 6), "forking")
    for name in ("a", "b", "c"):
        graph.add(Conv(4, 4, (1, 1)), "input", name=name)
    last = graph.add(Add(), "a", "b", name="ab").name
    graph.scope("k", "inner", last)
    for step in steps:
        last = graph.add(Conv(4, 4, (1, 1)), last, name=step).name
    graph.add(Conv(4, 4, (1, 1)), "a", name="fork")
    graph.add(Add(), "ab", last, name="left")
    graph.add(Add(), "c", last, "a", name="right")
    graph.add(Concat(), "left", "right", "fork", name="end")
    return graph.verify()


def test_a_value_leaves_a_block_at_the_bottom_of_its_frame():
    seen = check(draw_svg(forking("k.one.conv", "k.two.conv")))
    (frame,) = seen.frames
    assert all(way(seen, "k", target).points[0][1] == frame.bottom for target in ("left", "right"))


def test_a_value_enters_a_step_from_above_also_from_another_column():
    seen = check(draw_svg(forking("d")))
    points, fork = way(seen, "a", "fork").points, seen.box("fork")
    assert points[0][0] == seen.box("a").right and points[-1] == (pytest.approx((fork.left + fork.right) / 2, abs=0.1), fork.top)


def test_columns_have_the_names_of_their_branches():
    seen = check(draw_svg(load("hs_block", splits=4).graph((64, 8, 8))))
    assert [text.text for text in seen.small if "branch" in text.get("class")] == ["part2", "part3", "part4"]


def test_a_channel_has_room_for_the_texts_of_values_that_enter_it():
    """Between a column and the track beside it stand the channels of what leaves its side."""
    seen = check(draw_svg(crossing()))
    (x, _), (turn, _), *_ = way(seen, "a", "bca").points
    assert turn - x >= measure_text("4", 10) + 8


def test_stretches_of_one_value_share_a_track_and_others_do_not():
    tracks = RoutingTracks()
    for low, high, key in ((0, 4, "a"), (6, 3, "b"), (5, 9, "c"), (7, 8, "a"), (10, 12, "d")):
        tracks.reserve(low, high, key)
    assert tracks.numbers == {"a": 0, "b": 1, "c": 2, "d": 0} and tracks.count() == 3


def test_no_stretch_needs_no_track():
    assert RoutingTracks().count() == 0


def test_parts_of_a_line_are_joined_in_the_order_of_its_course():
    assert join_lines([[(0, 10), (0, 20)], [(0, 20.001), (5, 30)], [(0, 0), (0, 10)]]) == [(0, 0), (0, 10), (0, 20), (5, 30)]


@pytest.mark.parametrize("char, covered", [("a", True), ("é", True), ("→", True), ("漢", False), ("ש", False)])
def test_which_characters_need_a_font_of_the_system(char, covered):
    assert covers_char(char) is covered


def test_corners_of_a_line_are_rounded_and_its_straight_points_left_out():
    assert write_edge_path([(0, 0), (0, 5), (0, 20), (20, 20), (20, 20)]) == "M0 0L0 14Q0 20 6 20L20 20"
    assert write_edge_path([(0, 0), (0, 20), (4, 20)]) == "M0 0L0 18Q0 20 2 20L4 20", "the radius is at most half a stretch"


def test_an_arrow_head_points_along_the_last_stretch():
    assert write_arrow_head([(0, 0), (0, 20)]) == "M0 20L-3 14.5L3 14.5Z"
    assert write_arrow_head([(0, 0), (0, 20), (40, 20)]) == "M40 20L34.5 23L34.5 17Z"


def test_a_value_that_leaves_straight_down_takes_no_room_beside_its_column():
    seen = check(draw_svg(load("hs_block", splits=4).graph((64, 8, 8))))
    assert int(seen.root.get("width")) == ceil(seen.box("part4.conv3x3").right + 2 * MARGIN)
