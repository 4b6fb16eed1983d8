"""Graph -> a Python file that needs only torch: one class per distinct block, then the network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from blockspace.compiler.printing.classes import PrintedClass, constructor_call, group_classes
from blockspace.compiler.printing.instances import BlockInstance, BlockItem, find_instances
from blockspace.compiler.printing.layout import Code, call_expr, layout_lines
from blockspace.compiler.printing.numbers import print_call, weights_expr
from blockspace.compiler.printing.statements import print_forward
from blockspace.graph import Graph, GraphLike, as_graph, plan_execution
from blockspace.inputs import TEXT, check_arguments
from blockspace.ops import format_shape

REDUCES = re.compile(r"(?<![.\w])reduce\(")
LayerTree = dict[str, Any]  # a container: name -> the construction of a layer, or a container

LAYERS = '''
class Layers(nn.Module):
    """Layers by name; called, they run in a row."""

    def __init__(self, /, **layers):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        for layer in self.children():
            x = layer(x)
        return x
'''

WEIGHTS = '''
class Weights(nn.Module):
    """Parameters by name, for a function."""

    def __init__(self, /, **tensors):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_parameter(name, nn.Parameter(tensor))
'''

HELPERS = {"Layers": LAYERS, "Weights": WEIGHTS}

MAIN = '''
if __name__ == "__main__":
    from safetensors.torch import load_file

    model = {name}().eval()
    try:
        model.load_state_dict(load_file(__file__.removesuffix("model.py") + "weights.safetensors"))
    except FileNotFoundError:
        print("no weights.safetensors beside this file: the weights are random")
    with torch.inference_mode():
        output = model(torch.zeros(1, {shape}))
    print(f"{{sum(p.numel() for p in model.parameters()):,}} parameters, output {{tuple(output.shape)}}")
'''


@check_arguments(doc=TEXT)
def to_source(graph: GraphLike, doc: str = "") -> str:
    """Return the graph as a standalone Python file, of the shapes that `compile` gives; the network is its last class, without arguments.

    Its state_dict keys, its order and its in-place decisions are those of `compile(graph)`. `doc` becomes the file's docstring. Weights are
    what torch's layers draw by themselves: load some. Raises BlockspaceError: E-NAME, and what `Graph.verify` raises.
    """
    graph = as_graph(graph)
    steps = plan_execution(graph)
    found, of = group_classes(find_instances(graph, steps))
    bodies = [print_class(one, of, graph) for one in found]
    helpers = [text for name, text in HELPERS.items() if any(f"{name}(" in body for body in bodies)]
    title = doc or f"{graph.name}: {format_shape(graph.input_shape)} -> {format_shape(graph.output_shape)}"
    imports = f"{reduce_import(bodies)}import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
    main = MAIN.format(name=found[-1].name, shape=", ".join(map(str, graph.input_shape)))
    return "\n".join([f"{format_docstring(title)}\n\n{imports}", *helpers, *bodies, main])


def reduce_import(bodies: Sequence[str]) -> str:
    """Return the line that imports `reduce`, where a merge of many values uses it, with an empty line behind it."""
    return "from functools import reduce\n\n" if any(REDUCES.search(body) for body in bodies) else ""


def format_docstring(doc: str, indent: int = 0) -> str:
    """Return a docstring that says `doc` and cannot end early."""
    safe = doc.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if safe.endswith('"'):
        safe = safe[:-1] + '\\"'
    safe = safe.replace("\n", "\n" + " " * indent)
    end = "\n" + " " * indent if "\n" in safe else ""
    return " " * indent + f'"""{safe}{end}"""'


def print_class(one: PrintedClass, of: dict[BlockInstance, PrintedClass], graph: Graph) -> str:
    """Return one class: docstring, constructor, forward."""
    forward, stored = print_forward(one)
    signature = "".join(f", {p.name}" + (f"={p.default!r}" if p.default is not None else "") for p in one.params)
    rows = ["", f"class {one.name}(nn.Module):", format_docstring(describe_class(one, graph), 4), ""]
    rows += [f"    def __init__(self{signature}):", "        super().__init__()"]
    rows += [f"        {c.name} = {c.times[0]} * {c.times[1].text()}" for c in one.named() if c.times]
    rows += [f"        self.{c.name} = {c.name}" for c in one.named() if c.name in stored]
    rows += print_constructor(one, of)
    return "\n".join([*rows, "", "    def forward(self, x):", *forward]) + "\n"


def describe_class(one: PrintedClass, graph: Graph) -> str:
    """Return a class's docstring: `hs_bottleneck` (256x56x56 -> 256x56x56): stage1.block1 and 2 more; shapes are those of the first use."""
    use = one.example
    shapes = f"{format_shape(graph[use.input].shape)} -> {format_shape(graph[use.output].shape)}"
    if not use.path:
        return f"{use.block}: {shapes}."
    more = f" and {len(one.uses) - 1} more" if len(one.uses) > 1 else ""
    return f"{use.block}, used as {use.path}{more}: {shapes}."


# -- constructor -----------------------------------------------------------------------------------------------------------------------


def print_constructor(one: PrintedClass, of: dict[BlockInstance, PrintedClass]) -> list[str]:
    """Return the constructor's lines: `self.conv = nn.Conv2d(...)`, containers as `Layers(...)`."""
    tree: LayerTree = {}
    for index, item in enumerate(one.example.items):
        if not item.is_attribute:
            continue
        *path, last = item.name.split(".")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = construct_item(one, index, item, of)
    return [row for key, value in tree.items() for row in layout_lines(nest_layers(value), {}, 8, f"self.{key} = ")]


def nest_layers(value: LayerTree | Code) -> Code:
    """Return the construction of a layer or of a container."""
    return call_expr("Layers", **{key: nest_layers(inner) for key, inner in value.items()}) if isinstance(value, dict) else value


def construct_item(one: PrintedClass, index: int, item: BlockItem, of: dict[BlockInstance, PrintedClass]) -> Code:
    """Return the construction of a layer, of an inner block, or of a function's weights."""
    if item.inner:
        return constructor_call(of[item.inner], lambda param: one.number(index, ("param", param)))
    assert item.call is not None  # layers in a row are made one by one
    if item.is_module:
        return print_call(item.call, [], lambda slot: one.number(index, slot))
    return weights_expr(item.call, lambda slot: one.number(index, slot))
