"""Graph -> a Python file that needs only torch: one class per distinct block, then the network."""

from __future__ import annotations

from blockspace.compiler.printing.classes import Class, classes, construction
from blockspace.compiler.printing.instances import Instance, Item, instances
from blockspace.compiler.printing.layout import Expr, Ref, called, lines
from blockspace.compiler.printing.numbers import printed, weights
from blockspace.compiler.printing.statements import forward_lines
from blockspace.graph import Graph, plan
from blockspace.ops import show

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


def to_source(graph: Graph, doc: str = "") -> str:
    """The graph as a standalone Python file, `(N, C, H, W) -> ...` as `compile` gives; the network is its last class, without arguments.

    Its state_dict keys, its order and its in-place decisions are those of `compile(graph)`. `doc` becomes the file's docstring. Weights are
    what torch's layers draw by themselves: load some. Raises BlockspaceError: E-NAME, and what `Graph.verify` raises.
    """
    steps = plan(graph)
    found, of = classes(instances(graph, steps))
    bodies = [class_text(one, of, graph) for one in found]
    helpers = [text for name, text in HELPERS.items() if any(f"{name}(" in body for body in bodies)]
    title = doc or f"{graph.name}: {show(graph.input_shape)} -> {show(graph.output_shape)}"
    imports = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
    main = MAIN.format(name=found[-1].name, shape=", ".join(map(str, graph.input_shape)))
    return "\n".join([f"{docstring(title)}\n\n{imports}", *helpers, *bodies, main])


def docstring(doc: str, indent: int = 0) -> str:
    """A docstring that says `doc` and cannot end early."""
    safe = doc.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if safe.endswith('"'):
        safe = safe[:-1] + '\\"'
    safe = safe.replace("\n", "\n" + " " * indent)
    end = "\n" + " " * indent if "\n" in safe else ""
    return " " * indent + f'"""{safe}{end}"""'


def class_text(one: Class, of: dict[Instance, Class], graph: Graph) -> str:
    """One class: docstring, constructor, forward."""
    forward, stored = forward_lines(one)
    signature = "".join(f", {p.name}" + (f"={p.default!r}" if p.default is not None else "") for p in one.params)
    rows = ["", f"class {one.name}(nn.Module):", docstring(about(one, graph), 4), ""]
    rows += [f"    def __init__(self{signature}):", "        super().__init__()"]
    rows += [f"        {c.name} = {c.times[0]} * {c.times[1].text()}" for c in one.named() if c.times]
    rows += [f"        self.{c.name} = {c.name}" for c in one.named() if c.name in stored]
    rows += constructor_lines(one, of)
    return "\n".join([*rows, "", "    def forward(self, x):", *forward]) + "\n"


def about(one: Class, graph: Graph) -> str:
    """`hs_bottleneck` (256x56x56 -> 256x56x56): stage1.block1 and 2 more; shapes are those of the first use."""
    use = one.example
    shapes = f"{show(graph[use.input].shape)} -> {show(graph[use.output].shape)}"
    if not use.path:
        return f"{use.block}: {shapes}."
    more = f" and {len(one.uses) - 1} more" if len(one.uses) > 1 else ""
    return f"{use.block}, used as {use.path}{more}: {shapes}."


# -- constructor -----------------------------------------------------------------------------------------------------------------------


def constructor_lines(one: Class, of: dict[Instance, Class]) -> list[str]:
    """`self.conv = nn.Conv2d(...)`, containers as `Layers(...)`."""
    tree: dict = {}
    for index, item in enumerate(one.example.items):
        if not item.is_attribute:
            continue
        *path, last = item.name.split(".")
        at = tree
        for part in path:
            at = at.setdefault(part, {})
        at[last] = made(one, index, item, of)
    return [row for key, value in tree.items() for row in lines(nested(value), {}, 8, f"self.{key} = ")]


def nested(value: dict | Expr | Ref) -> Expr | Ref:
    return called("Layers", **{key: nested(inner) for key, inner in value.items()}) if isinstance(value, dict) else value


def made(one: Class, index: int, item: Item, of: dict[Instance, Class]) -> Expr | Ref:
    """The construction of a layer, of an inner block, or of a function's weights."""
    if item.inner:
        return construction(of[item.inner], item.inner, lambda param: one.number(index, ("param", param)))
    assert item.call is not None  # layers in a row are made one by one
    if item.is_module:
        return printed(item.call, [], lambda slot: one.number(index, slot))
    return weights(item.call, lambda slot: one.number(index, slot))
