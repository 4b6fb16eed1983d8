"""Graph -> a Python file that registers the network with timm; it needs torch and timm alone."""

from __future__ import annotations

import inspect
import json
import keyword
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from blockspace.compiler.printing.classes import PrintedClass, group_classes
from blockspace.compiler.printing.instances import BlockInstance, find_instances
from blockspace.compiler.printing.registered import Registered
from blockspace.compiler.printing.source import HELPERS, describe_class, format_docstring, print_class, print_constructor, reduce_import
from blockspace.compiler.printing.statements import print_forward
from blockspace.errors import error
from blockspace.graph import Feature, Graph, find_features, plan_execution
from blockspace.ops import Conv, Linear, format_shape

IMPORTS = """from pathlib import Path

import torch
import torch.nn.functional as F
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn
from torch.utils.checkpoint import checkpoint
"""

ENTRY = '''
default_cfgs = generate_default_cfgs({{
    "{name}": dict(
        {config},
        file=str(Path(__file__).with_name("{weights}")),
    ),
}})


@register_model
def {name}(pretrained=False, **kwargs):
    """{title}"""
    feature_cfg = dict(out_indices={indices}, feature_cls="getter")
    return build_model_with_cfg({cls}, "{name}", pretrained, feature_cfg=feature_cfg, **kwargs)
'''

INIT = '    def __init__(self, num_classes={classes}, in_chans={channels}, global_pool="avg", drop_rate=None):'
HEAD = "head."
TAKEN = {"model", "nn", "torch", "timm", "checkpoint", "default_cfgs", "build_model_with_cfg", "generate_default_cfgs", "register_model"}


@dataclass(frozen=True)
class TimmPart:
    """A piece of the network that reads one value and gives one: the method it becomes, its items, the modules it alone uses."""

    method: str
    piece: BlockInstance
    modules: tuple[str, ...]


@dataclass(frozen=True)
class TimmLayout:
    """The properties of a network that timm's interface needs."""

    parts: tuple[TimmPart, ...]
    maps: tuple[Feature, ...]
    classifier: str | None
    first_convs: tuple[str, ...]
    dropouts: tuple[str, ...]
    num_features: int
    hidden: int


def to_timm_source(graph: Graph, name: str, config: Mapping[str, Any], weights: str, doc: str = "") -> str:
    """Return the graph as a file that registers `name` with timm when it is imported, with the weights of the file `weights` beside it.

    `config` are further entries of timm's `default_cfg` (mean, std, ...). state_dict keys are those of `compile(graph)`. Raises
    BlockspaceError: E-NAME, what `Graph.verify` raises, E-SHAPE for a network without feature maps or whose head reads several values.
    """
    maps = find_features(graph)
    steps = plan_execution(graph, (*(one.node for one in maps), graph.output))
    root = find_instances(graph, steps)
    found, of = group_classes(root)
    layout = find_layout(graph, root, maps)
    network = print_network(found[-1], of, graph, layout)
    bodies = [print_class(one, of, graph) for one in found[:-1]] + [network]
    base = "\n" + inspect.getsource(Registered)
    helpers = [text for word, text in HELPERS.items() if any(f"{word}(" in body for body in bodies)]
    title = f"{graph.name}: {format_shape(graph.input_shape)} -> {format_shape(graph.output_shape)}"
    about_file = f"{doc or title}\n\nImport this file, then: timm.create_model({name!r}, pretrained=True)."
    config_items = config_entries(graph, layout, config).items()
    rows = (f"{key}={repr(value) if key in config else quote_value(value)}" for key, value in config_items)
    entry = ENTRY.format(
        name=name, cls=found[-1].name, weights=weights, indices=tuple(range(len(layout.maps))), title=json.dumps(title)[1:-1],
        config=",\n        ".join(rows),
    )  # fmt: skip
    imports = reduce_import(bodies).rstrip("\n") + "\n" * bool(reduce_import(bodies)) + IMPORTS
    return "\n".join([f"{format_docstring(about_file)}\n\n{imports}", *helpers, base, *bodies, entry])


def default_config(graph: Graph) -> dict[str, Any]:
    """Return the entries of timm's `default_cfg` that follow from a graph, and `num_features`, as config.json has them."""
    layout = find_layout(graph, find_instances(graph, plan_execution(graph)), find_features(graph))
    return config_entries(graph, layout, {}) | {"num_features": layout.num_features}


def config_entries(graph: Graph, layout: TimmLayout, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `default_cfg` that the graph decides, then the given ones."""
    first = layout.first_convs[0] if len(layout.first_convs) == 1 else layout.first_convs or None
    shape = tuple(graph.input_shape)
    return {
        "num_classes": graph.output_shape[0], "input_size": shape, "pool_size": None, "classifier": layout.classifier, "first_conv": first,
        **config,
    }  # fmt: skip


# -- where the network is cut ------------------------------------------------------------------------------------------------------------


def find_layout(graph: Graph, root: BlockInstance, maps: tuple[Feature, ...]) -> TimmLayout:
    """Cut the network at its feature maps, before its head and before its classifier."""
    cuts, entering, classifier = find_cut_values(root), find_head_input(root), find_classifier(graph)
    if entering not in cuts:
        text = f"{graph.name}: the head must take exactly one tensor from the backbone, got {count_head_inputs(root)}"
        raise error("E-SHAPE", text, help="leave timm out")
    head = cuts[cuts.index(entering) :]
    before = graph[classifier].inputs[0] if classifier else root.output
    if before not in head:
        classifier, before = None, root.output
    given = tuple(one for one in maps if one.node in cuts and one.node not in head[1:])
    places = ["input", *(one.node for one in given), entering, before, root.output]
    methods = [*(f"level{i}" for i in range(1, len(given) + 1)), "rest", "pooled", "classified"]
    owners = [cut_piece(root, a, b) for a, b in pairwise(places)]
    parts = tuple(TimmPart(method, one, find_own_modules(one, root)) for method, one in zip(methods, owners))
    dropouts = tuple(n.name for n in graph if n.name.startswith(HEAD) and n.op.name == "dropout")
    hidden = graph[before].shape[0]
    return TimmLayout(parts, given, classifier, find_first_convs(graph), dropouts, graph[entering].shape[0], hidden)


def find_cut_values(root: BlockInstance) -> list[str]:
    """Return the values, in order, that all of the network passes through: nothing after one reads from before it."""
    last = {source: at for at, item in enumerate(root.items) for source in item.inputs}
    found, furthest = [root.input], last.get(root.input, -1)
    for at, item in enumerate(root.items):
        if furthest <= at:
            found.append(item.value)
        furthest = max(furthest, last.get(item.value, -1))
    return found


def find_head_input(root: BlockInstance) -> str:
    """Return the value that enters the head: what the last item before it gives."""
    before = [item.value for item in root.items if not item.name.startswith(HEAD)]
    return before[-1] if before else "input"


def count_head_inputs(root: BlockInstance) -> int:
    """Return how many values from before the head the head reads."""
    head = [item for item in root.items if item.name.startswith(HEAD)]
    return len({source for item in head for source in item.inputs} - {item.value for item in head})


def find_classifier(graph: Graph) -> str | None:
    """Return the linear layer that gives the output."""
    node = graph[graph.output]
    return node.name if isinstance(node.op, Linear) and node.op.bias else None


def find_first_convs(graph: Graph) -> tuple[str, ...]:
    """Return the convolutions that read the input, when nothing else does and they are not grouped."""
    readers = [graph[name] for name in graph.readers()["input"]]
    plain = all(isinstance(node.op, Conv) and node.op.groups == 1 for node in readers)
    return tuple(node.name for node in readers) if plain else ()


def cut_piece(root: BlockInstance, start: str, end: str) -> BlockInstance:
    """Return the items between two passages."""
    made = ["input", *(item.value for item in root.items)]
    items = root.items[made.index(start) : made.index(end)]
    return BlockInstance("", root.block, start, end, 0, 0, items)


def find_own_modules(one: BlockInstance, root: BlockInstance) -> tuple[str, ...]:
    """Return the modules that this piece alone uses, a container for all it holds."""
    elsewhere = [item.name for item in root.items if item.is_attribute and item not in one.items]
    found: dict[str, None] = {}
    for item in one.items:
        if item.is_attribute:
            words = item.name.split(".")
            paths = (".".join(words[:i]) for i in range(1, len(words) + 1))
            found[next(path for path in paths if not any(f"{other}.".startswith(f"{path}.") for other in elsewhere))] = None
    return tuple(found)


# -- the class ---------------------------------------------------------------------------------------------------------------------------


def print_network(one: PrintedClass, of: dict[BlockInstance, PrintedClass], graph: Graph, layout: TimmLayout) -> str:
    """Return the network's class: what timm asks for as attributes, the constructor, one method for each part."""
    classes, channels = graph.output_shape[0], graph.input_shape[0]
    settings = ", ".join(map(quote_value, (layout.classifier, layout.first_convs, layout.dropouts)))
    rows = ["", f"class {one.name}(Registered):", format_docstring(describe_class(one, graph), 4), "", "    parts = ("]
    rows += [f"        ({quote_value(part.method)}, {quote_value(part.modules)})," for part in layout.parts]
    rows += ["    )", "    feature_info = ["]
    rows += [f"        dict(num_chs={m.channels}, reduction={m.reduction}, module={quote_value(m.unit)})," for m in layout.maps]
    rows += ["    ]", f"    num_features, head_hidden_size = {layout.num_features}, {layout.hidden}"]
    rows += [f"    trained_classes, trained_chans = {classes}, {channels}"]
    rows += [f"    classifier, first_convs, dropouts = {settings}", ""]
    rows += [INIT.format(classes=classes, channels=channels), "        super().__init__()"]
    rows += [*print_constructor(one, of), "        self.adapt(num_classes, in_chans, global_pool, drop_rate)"]
    for part in layout.parts:
        if part.piece.items or part.method != "rest":
            rows += ["", f"    def {part.method}(self, x):", *print_forward(one, part.piece)[0]]
    return "\n".join(rows) + "\n"


def quote_value(value: Any) -> str:
    """Return a value as Python, its strings - names without quotes in them - in double quotes."""
    return repr(value).replace("'", '"')


def python_name(name: str) -> str:
    """Return a network's name as that of a module and of a function in it: shufflenet_v1_g3_1.0x -> shufflenet_v1_g3_1_0x."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).lower()
    free = plain.isidentifier() and not keyword.iskeyword(plain) and plain not in sys.stdlib_module_names and plain not in TAKEN
    return plain if free else f"net_{plain}"
