"""Small graphs built by hand, with block scopes and dotted names as the grammar would give them."""

from blockspace.graph import Graph
from blockspace.ops import OPS, Add, BatchNorm, Concat, Conv, Linear, Mul, Part

SHAPE = (8, 6, 6)
SETTINGS = {
    "conv": {"in_channels": 8, "out_channels": 12, "kernel": (3, 1), "stride": (2, 1), "padding": (1, 0), "groups": 4},
    "linear": {"in_features": 8, "out": 5},
    "part": {"start": 2, "stop": 7},
    "slice": {"channels": 3},
    "pad_channels": {"in_channels": 8, "channels": 11},
    "channel_shuffle": {"groups": 4},
    "adaptive_avgpool": {"size": 2},
    "maxpool": {"kernel": (3, 3), "stride": (2, 2), "ceil_mode": True},
    "avgpool": {"kernel": (3, 3), "padding": (1, 1), "count_include_pad": False},
    "group_norm": {"channels": 8, "groups": 2},
    "scale": {"by": "learned", "init": 0.5},
    "softmax": {"paths": 4},
    "drop_path": {"p": 0.2},
    "local_response_norm": {"size": 5, "alpha": 0.5},
}


class Sketch:
    """A graph under construction; each method continues from `at` and moves it."""

    def __init__(self, shape, name):
        self.graph, self.at = Graph(shape, name), "input"

    def channels(self, name=None):
        return self.graph[name or self.at].shape[0]

    def add(self, op, *inputs, name):
        op = OPS[op]() if isinstance(op, str) else op
        self.at = self.graph.add(op, *(inputs or (self.at,)), name=name).name
        return self.at

    def conv(self, path, out, k=1, stride=1, groups=1, act="relu", src=None, norm=True):
        src = src or self.at
        conv = Conv(self.channels(src), out, (k, k), (stride, stride), ((k - 1) // 2,) * 2, groups=groups, bias=not norm)
        self.add(conv, src, name=f"{path}.conv")
        if norm:
            self.add(BatchNorm(out), name=f"{path}.norm")
        return self.add(act, name=f"{path}.{act}") if act else self.at

    def head(self, classes=10):
        self.add(OPS["adaptive_avgpool"](1), name="head.pool")
        self.add("flatten", name="head.flatten")
        self.add(Linear(self.channels(), classes), name="head.linear")
        return self.graph

    def residual(self, path, block, out, stride, body):
        src = self.at
        self.graph.scope(path, block, src)
        body(f"{path}.main")
        main = self.conv(f"{path}.main.conv1x1_2", out, act=None)
        plain = self.channels(src) == out and stride == 1
        skip = src if plain else self.conv(f"{path}.skip.shortcut", out, 1, stride, act=None, src=src)
        self.add(Add(), main, skip, name=f"{path}.add")
        self.add("relu", name=f"{path}.relu")


def bottleneck(s, path, width, out, stride=1, groups=1):
    def body(at):
        s.conv(f"{at}.conv1x1", width)
        s.conv(f"{at}.conv3x3", width, 3, stride, groups)

    s.residual(path, "bottleneck", out, stride, body)


def hs(s, path, splits):
    src, w = s.at, s.channels() // splits
    s.graph.scope(path, "hs_block", src)
    kept, carried = [s.add(Part(0, w), src, name=f"{path}.split1")], None
    for i in range(2, splits + 1):
        part = s.add(Part((i - 1) * w, i * w), src, name=f"{path}.split{i}")
        if carried:
            part = s.add(Concat(), part, carried, name=f"{path}.part{i}.concat")
        value = s.conv(f"{path}.part{i}.conv3x3", s.channels(part), 3, src=part)
        n = s.channels(value)
        if i < splits:
            kept.append(s.add(Part(0, n - n // 2), value, name=f"{path}.part{i}.keep"))
            carried = s.add(Part(n - n // 2, n), value, name=f"{path}.part{i}.carry")
    s.add(Concat(), *kept, value, name=f"{path}.concat")


def hs_bottleneck(s, path, width, out, splits=4):
    def body(at):
        s.conv(f"{at}.conv1x1", width * splits)
        hs(s, f"{at}.hs_block", splits)

    s.residual(path, "hs_bottleneck", out, 1, body)


def res2net(s, path, width, out, splits=4):
    def body(at):
        src = s.conv(f"{at}.conv1x1", width * splits)
        made = []
        for i in range(1, splits):
            part = s.add(Part((i - 1) * width, i * width), src, name=f"{at}.split{i}")
            if made:
                part = s.add(Add(), part, made[-1], name=f"{at}.part{i}.add")
            made.append(s.conv(f"{at}.part{i}.conv3x3", width, 3, src=part))
        last = s.add(Part((splits - 1) * width, splits * width), src, name=f"{at}.split{splits}")
        s.add(Concat(), *made, last, name=f"{at}.concat")

    s.residual(path, "res2net", out, 1, body)


def se(s, path, reduced):
    src = s.at
    s.graph.scope(path, "se", src)
    s.add(OPS["adaptive_avgpool"](1), name=f"{path}.pool")
    s.conv(f"{path}.reduce", reduced, norm=False)
    gate = s.conv(f"{path}.expand", s.channels(src), norm=False, act="sigmoid")
    s.add(Mul(), src, gate, name=f"{path}.mul")


def shuffle(s, path, groups):
    s.graph.scope(path, "shuffle_unit", s.at)
    src, c = s.at, s.channels()
    left, right = s.add(Part(0, c // 2), src, name=f"{path}.left"), s.add(Part(c // 2, c), src, name=f"{path}.right")
    main = s.conv(f"{path}.main.dwconv", c // 2, 3, groups=c // 2, src=right)
    s.add(Concat(), left, main, name=f"{path}.concat")
    s.add(OPS["channel_shuffle"](groups), name=f"{path}.shuffle")


def inception(s, path, widths):
    src = s.at
    s.graph.scope(path, "inception", src)
    b1 = s.conv(f"{path}.b1.conv1x1", widths[0], src=src)
    s.conv(f"{path}.b2.conv1x1", widths[1], src=src)
    b2 = s.conv(f"{path}.b2.conv3x3", widths[2], 3)
    s.add(OPS["maxpool"]((3, 3), (1, 1), (1, 1)), src, name=f"{path}.b3.pool")
    b3 = s.conv(f"{path}.b3.conv1x1", widths[3])
    s.add(Concat(), b1, b2, b3, name=f"{path}.concat")


def preact(s, path, growth):
    """DenseNet's layer: norm, relu, convolution; its input is also its output."""
    src = s.at
    s.graph.scope(path, "dense_layer", src)
    s.add(BatchNorm(s.channels()), name=f"{path}.norm")
    s.add("relu", name=f"{path}.relu")
    s.add(Conv(s.channels(), growth, (3, 3), padding=(1, 1)), name=f"{path}.conv")
    s.add(Concat(), src, s.at, name=f"{path}.concat")


def convnext(s, path):
    """A layer norm at each position, a learned scale, and paths that are dropped."""
    src = s.at
    s.graph.scope(path, "convnext", src)
    channels = s.channels()
    s.add(Conv(channels, channels, (7, 7), padding=(3, 3), groups=channels, bias=True), name=f"{path}.main.conv")
    s.add(OPS["layer_norm"](channels, 1e-6), name=f"{path}.main.norm")
    s.add(Conv(channels, 2 * channels, (1, 1), bias=True), name=f"{path}.main.expand")
    s.add("gelu", name=f"{path}.main.gelu")
    s.add(Conv(2 * channels, channels, (1, 1), bias=True), name=f"{path}.main.project")
    s.add(OPS["scale"](channels, "learned", 0.1), name=f"{path}.main.scale")
    s.add(OPS["drop_path"](0.4), name=f"{path}.main.drop_path")
    s.add(Add(), src, s.at, name=f"{path}.add")


def paths(s, path, width):
    """Two paths weighed by a softmax over them, then a gate from a convolution over the channels."""
    src = s.at
    s.graph.scope(path, "paths", src)
    made = [s.conv(f"{path}.path{i}", width, 3, src=src) for i in (1, 2)]
    s.add(Concat(), *made, name=f"{path}.concat")
    both = s.at
    s.add(OPS["adaptive_avgpool"](1), name=f"{path}.pool")
    s.add(OPS["softmax"](2), name=f"{path}.softmax")
    s.add(Mul(), both, s.at, name=f"{path}.weigh")
    weighed = s.at
    halves = [s.add(Part(i * width, (i + 1) * width), weighed, name=f"{path}.half{i}") for i in (0, 1)]
    fused = s.add(Add(), *halves, name=f"{path}.sum")
    s.add(OPS["adaptive_avgpool"](1), name=f"{path}.squeeze")
    s.add("transpose", name=f"{path}.turn")
    s.add(Conv(1, 1, (1, 3), padding=(0, 1)), name=f"{path}.over_channels")
    s.add("transpose", name=f"{path}.back")
    s.add("sigmoid", name=f"{path}.gate")
    s.add(Mul(), fused, s.at, name=f"{path}.mul")


def network(kind, widths=(4, 4, 8, 8)):
    """A network of one kind of block, one for each width, two a stage, on 3x16x16."""
    s = Sketch((3, 16, 16), f"tiny_{kind}")
    s.conv("stem.conv3x3", 16, 3)
    for i, width in enumerate(widths, 1):
        path, out = f"stage{(i + 1) // 2}.block{2 - i % 2}", 4 * width
        if kind == "bottleneck":
            bottleneck(s, path, width, out, 2 if i == 3 else 1, groups=2)
        elif kind == "hs":
            hs_bottleneck(s, path, width - 1, out)
        elif kind == "res2net":
            res2net(s, path, width, out)
        elif kind == "se":
            s.conv(f"{path}.conv3x3", out, 3)
            se(s, f"{path}.se", width)
        elif kind == "shuffle":
            shuffle(s, path, 2)
        elif kind == "inception":
            inception(s, path, (width, 3, 2 * width, 5))
        elif kind == "preact":
            preact(s, path, width)
        elif kind == "convnext":
            s.conv(f"{path}.conv1x1", width)
            convnext(s, f"{path}.unit")
        elif kind == "paths":
            paths(s, path, width)
    if kind == "se":
        s.add(OPS["dropout"](0.3), name="head.dropout")
    if kind == "convnext":
        s.add(OPS["adaptive_avgpool"](1), name="head.squeeze")
        s.add(OPS["layer_norm"](s.channels()), name="head.norm")
    return s.head()


KINDS = ("bottleneck", "hs", "res2net", "se", "shuffle", "inception", "preact", "convnext", "paths")


def one_op(name):
    """A graph of one op on SHAPE."""
    graph = Graph({"linear": (8,), "transpose": (8, 1, 1)}.get(name, SHAPE))
    op = OPS[name](**{**OPS[name].infer_attributes(graph.input_shape), **SETTINGS.get(name, {})})
    inputs = ["input"] if op.arity == 1 else ["input", graph.add(OPS["relu"](), "input", name="other").name, "input"]
    graph.add(op, *inputs, name="op")
    return graph
