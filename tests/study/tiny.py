"""A study small enough for tests: three families, one of them a block of the user's own, trained for a moment on the digits."""

from __future__ import annotations

from pathlib import Path

MINE = """
format: blockspace/block/1
block: plain_pair
doc: Two convolutions beside each other.
params: {out_channels: 16, stride: 1, width: 4}
flow:
  - branches:
      near: [conv3x3: {out: width, stride: stride}]
      far: [conv3x3: {out: width, stride: stride, dilation: 2}]
    merge: concat
  - conv1x1: out_channels
"""
SPACE = """
format: blockspace/network/1
network: tiny
blocks: {plain_pair: ./plain_pair.yaml}
params:
  block:
    default: hs
    search:
      hs:      {hs_bottleneck: {splits: {default: 3, search: 3..5}}}
      resnext: {resnext: {cardinality: {default: 2, search: [1, 2, 4]}}}
      mine:    {plain_pair: {}}
  classes: 10
input: [1, 16, 16]
stem: [conv3x3: {out: 8, stride: 2}]
stages:
  - {block: block, repeat: {default: 1, search: 1..3}, out_channels: 16, width: {solve: macs, range: 1..64, default: 4}}
head: [global_avgpool, linear: classes]
"""
STUDY = """
format: blockspace/study/1
study: tiny
doc: Which of three small blocks is best?
space: space.yaml
data: {name: digits, train: 200, val: 100, test: 300}
baseline: {block: resnext}
budget: {macs: {low: 80%, high: 120%}}
objectives: [{maximize: val_acc}]
search: {trials: 6, workers: 2, per_choice: {block: equal}}
train: {epochs: 1, batch: 32}
finalists: {take: 1, per: block, seeds: 2}
compare: {by: block}
"""


def write(folder: Path) -> Path:
    """The three files, in `folder`; the study's path."""
    (folder / "plain_pair.yaml").write_text(MINE)
    (folder / "space.yaml").write_text(SPACE)
    (folder / "study.yaml").write_text(STUDY)
    return folder / "study.yaml"
