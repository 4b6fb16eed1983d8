"""Graphs as text: lanes and outlines, character by character."""

from __future__ import annotations

from written import built

from blockspace import load
from blockspace.drawing import draw_lanes, draw_outline

HS_BLOCK = """
●            input                         64x8x8                              input
├─◇          [0:16]                        16x8x8                              split1
├─┼─◇        [16:32]                       16x8x8                              split2
├─┼─┼─◇      [32:48]                       16x8x8                              split3
◇ │ │ │      [48:64]                       16x8x8                              split4
│ │ ○ │      conv3x3 16, batch norm, relu  16x8x8  2,336 params  147,456 macs  part2.conv3x3
│ │ ├─┼─◇    [0:8]                          8x8x8                              part2.emit
│ │ ◇ │ │    [8:16]                         8x8x8                              part2.hand
│ │ ╰─◆ │    concat                        24x8x8                              part3.carry
│ │   ○ │    conv3x3 24, batch norm, relu  24x8x8  5,232 params  331,776 macs  part3.conv3x3
│ │   ├─┼─◇  [0:12]                        12x8x8                              part3.emit
│ │   ◇ │ │  [12:24]                       12x8x8                              part3.hand
◆─┼───╯ │ │  concat                        28x8x8                              part4.carry
○ │     │ │  conv3x3 28, batch norm, relu  28x8x8  7,112 params  451,584 macs  part4.conv3x3
╰─◆─────╯─╯  concat                        64x8x8                              concat
"""


def test_lanes_of_a_block_whose_parts_carry_to_each_other():
    assert draw_lanes(load("hs_block", splits=4).graph((64, 8, 8))) == HS_BLOCK.strip()


def test_a_value_takes_the_first_empty_lane_to_the_right_of_what_it_reads():
    flow = """
    - branches:
        a: [relu, conv1x1: 4]
        b: []
        c: [conv1x1: 4]
      merge: add
    - relu
    """
    lines = [line.partition("  ")[0] for line in draw_lanes(built(flow, shape=(4, 2, 2))).splitlines()]
    assert lines[:6] == ["●", "◇", "├─○", "│ ○", "├─┼─○", "╰─◆─╯"]


def test_the_outline_of_a_network_counts_equal_blocks():
    lines = draw_outline(load("resnet18").graph()).splitlines()
    assert lines[0].split() == ["input", "3x224x224"]
    assert lines[1].split() == "stem.conv7x7 conv7x7 3->64 /2, batch norm, relu 64x112x112 9,536 params 118,013,952 macs".split()
    assert lines[3] == "2 x stage1.block1  resnet_basic                                 64x56x56     73,984 params  231,211,008 macs"
    blocks = [line.split()[0] for line in lines if "resnet_basic" in line]
    assert blocks == ["2", *(f"stage{i}.block{j}" for i in (2, 3, 4) for j in (1, 2))], "blocks with other costs have lines of their own"
    assert lines[-1].endswith("1000    513,000 params      512,000 macs")


def test_equal_steps_outside_of_blocks_are_not_counted_together():
    lines = draw_outline(built("- conv1x1: 4\n- conv1x1: 4", shape=(4, 2, 2))).splitlines()
    assert [line.split()[0] for line in lines] == ["input", "conv1x1", "conv1x1_2"]
