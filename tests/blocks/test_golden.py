"""Every shipped block, and every example of the grammar, equals its published figures to the unit.

To judge a block by a unit of `golden/golden.json`: a line in `golden/blocks.yaml`. Its outputs are judged in
`compiler/test_published_blocks.py`; networks are judged in `library/`.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

import yaml
from cases import try_each
from golden.rows import ROWS, USES, conv_acts, param_shapes, shapes_hash
from written import block

from blockspace import cost, load
from blockspace.blocks import find_file, list_names

GRAMMAR = Path(__file__).parent / "grammar"
FAMILIES = yaml.safe_load((GRAMMAR / "universal_families.yaml").read_text())
UNCOUNTED = {  # blocks that no unit of golden.json is: their outputs are judged beside a published module
    "eca", "eca_bottleneck", "sk", "sk_bottleneck", "split_attention", "resnest_bottleneck", "resnet_preact",
    "inception_resnet_a", "inception_resnet_b", "inception_resnet_c", "inception_resnet_reduction_b", "regnet", "repvgg", "csp_stage",
}  # fmt: skip
OUT_CHANNELS = {"shuffle_v1_s1": 240, "shuffle_v1_s2": 480, "shuffle_v2_s1": 116, "shuffle_v2_s2": 116, "mobilenet_v2": 24, "ghost": 64}


def check(graph, row) -> None:
    """Params, macs, and what else the row holds."""
    found = cost(graph)
    assert (found.params, found.macs) == (row["params"], row["macs"])
    assert sum(prod(shape) for shape in param_shapes(graph)) == found.params
    if "output" in row:
        assert graph.output_shape == tuple(row["output"])
    if "param_shapes" in row:
        assert shapes_hash(graph) == row["param_shapes"]
        assert conv_acts(graph) == row["conv_acts"]


def test_every_library_block_has_a_row():
    assert set(list_names("block")) - {use["block"] for use in USES.values()} <= UNCOUNTED


def test_library_blocks():
    try_each(lambda name: check(graph_of(USES[name], ROWS["blocks"][name]["input"]), ROWS["blocks"][name]), USES)


def graph_of(use, shape):
    """The block's graph; one that is repeated, or stands below defaults, is called by a flow. Of a block's `part`, that part's alone."""
    if "part" in use:
        parts = yaml.safe_load(Path(find_file(use["block"], "block")).read_text(encoding="utf-8"))["parts"]
        return block(json.dumps(parts[use["part"]])).graph(shape)
    settings = use.get("settings", {})
    if not use.keys() & {"defaults", "repeat"}:
        return load(use["block"], **settings).graph(shape)
    step = {"repeat": use.get("repeat", 1), "do": [{use["block"]: settings}]}
    return block(json.dumps([step]), f"defaults: {json.dumps(use.get('defaults', {}))}").graph(shape)


def test_the_universal_unit_is_each_family():
    """But inception_v1: its parts run different flows, the unit has one flow for all parts; inception is written with branches."""
    try_each(check_family, FAMILIES.keys() - {"inception_v1"})


def check_family(name: str) -> None:
    settings = {"out_channels": OUT_CHANNELS.get(name, 256), "stride": 2 if name.endswith("_s2") else 1} | FAMILIES[name]
    if name == "dense_layer":
        settings = yaml.safe_load(yaml.safe_dump(settings).replace("growth", "32"))
    row = ROWS["universal"][name]
    check(load(GRAMMAR / "universal.yaml", **settings).graph(row["input"]), row)
