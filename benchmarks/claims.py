"""The analytic claims of the papers, recomputed from our own cost model, each with its verdict.

    python benchmarks/claims.py            # prints the table
    python benchmarks/claims.py --write    # and puts it into docs/claims.md

No torch and no measurement: whoever runs it gets the same numbers. What has to be measured (ShuffleNetV2's G3 and G4) is in guidelines.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from pathlib import Path

import blockspace as bs
from blockspace.graph import Graph
from blockspace.ops import Conv, Linear

PAGE = Path(__file__).parent.parent / "docs" / "claims.md"
BEGIN, END = "<!-- claims -->\n", "<!-- end of claims -->\n"


@dataclass(frozen=True)
class Claim:
    """What a paper says, what we find, whether that is so, and under which reading."""

    source: str
    says: str
    found: str
    holds: bool
    remark: str = ""

    @property
    def verdict(self) -> str:
        return ("true" if self.holds else "**not so**") + (f": {self.remark}" if self.remark else "")


CLAIMS: list[Callable[[], Claim]] = []


def claim(check: Callable[[], Claim]) -> Callable[[], Claim]:
    """Decorator: a function that recomputes one claim."""
    CLAIMS.append(check)
    return check


# -- what is counted ---------------------------------------------------------------------------------------------------------------------


def weights(graph: Graph) -> int:
    """Weights of convolutions and linear layers, without biases and norms: what papers write as k k C C'."""
    return sum(matrix(node.op) for node in graph if isinstance(node.op, (Conv, Linear)))


def matrix(op: Conv | Linear) -> int:
    """Elements of the layer's weight tensor."""
    return op.params() - op.bias * (op.out if isinstance(op, Linear) else op.out_channels)


def conv(channels: int, out: int, k: int = 3, groups: int = 1) -> Conv:
    """A convolution that keeps the size."""
    return Conv(channels, out, (k, k), padding=(k // 2, k // 2), groups=groups)


def chain(*convs: Conv, size: int = 56) -> Graph:
    """Convolutions one after the other on a map of `size x size`."""
    graph = Graph((convs[0].in_channels, size, size))
    for number, op in enumerate(convs):
        graph.add(op, graph.output, name=f"conv{number}")
    return graph


def resnext(cardinality: int, width: int) -> Graph:
    """A ResNeXt block of 256 channels at 56 x 56, without projection."""
    return bs.load("resnext", cardinality=cardinality, width=width).graph((256, 56, 56))


def bottleneck() -> Graph:
    """A ResNet bottleneck of the same place."""
    return bs.load("resnet_bottleneck").graph((256, 56, 56))


def percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.2f} %"


# -- the claims --------------------------------------------------------------------------------------------------------------------------


@claim
def resnext_block() -> Claim:
    found = weights(resnext(32, 4))
    written = 32 * (256 * 4 + 9 * 4 * 4 + 4 * 256)
    return Claim(
        "ResNeXt, arXiv:1611.05431 eq. 4", "a block with C = 32, d = 4 on 256 channels has about 70k parameters",
        f"{found:,} = C (256 d + 9 d d + 256 d); {bs.cost(resnext(32, 4)).params:,} with batch norm",
        found == written and found // 1000 == 70,
    )  # fmt: skip


@claim
def resnext_like_bottleneck() -> Claim:
    ours, plain = weights(resnext(32, 4)), weights(bottleneck())
    return Claim(
        "ResNeXt, section 3.4", "as many as the bottleneck 256-64-256", f"{plain:,}; ResNeXt has {percent(ours / plain)}",
        abs(ours / plain - 1) < 0.01,
    )  # fmt: skip


@claim
def equal_complexity() -> Claim:
    pairs = {pair: weights(resnext(*pair)) for pair in ((1, 64), (2, 40), (4, 24), (8, 14), (32, 4))}
    spread = max(pairs.values()) / min(pairs.values())
    return Claim(
        "ResNeXt, table 2", "(C, d) of 1x64, 2x40, 4x24, 8x14 and 32x4 have one complexity",
        ", ".join(f"{c}x{d} {count:,}" for (c, d), count in pairs.items()), spread < 1.03, f"within {100 * (spread - 1):.1f} %",
    )  # fmt: skip


@claim
def three_forms() -> Claim:
    shape, settings = (256, 56, 56), {"cardinality": 32, "width": 4}
    forms = {name: bs.cost(bs.load(name, **settings).graph(shape)) for name in ("resnext_a", "resnext_b", "resnext")}
    counts = {(c.params, c.macs) for c in forms.values()}
    params, macs = next(iter(counts))
    return Claim(
        "ResNeXt, figure 3", "forms (a), (b) and (c) are equal", f"each {params:,} parameters and {macs:,} macs", len(counts) == 1,
        "with one norm behind the sum in (a); outputs and gradients: tests/compiler/test_resnext_forms.py",
    )  # fmt: skip


@claim
def pointwise_share() -> Claim:
    shares = []
    for width, channels in ((4, 256), (8, 512), (16, 1024), (32, 2048)):
        cost = bs.cost(graph := bs.load("resnext", out_channels=channels, cardinality=32, width=width).graph((channels, 14, 14)))
        shares.append(Fraction(pointwise(graph, cost), cost.macs))
    network = bs.load("resnext50_32x4d").graph()
    whole = pointwise(network, bs.cost(network)) / bs.cost(network).macs
    return Claim(
        "ShuffleNet, arXiv:1707.01083 section 3.1", "pointwise convolutions are 93.4 % of the multiply-adds of ResNeXt",
        f"{100 * float(shares[0]):.2f} % of a unit at every width; {100 * whole:.2f} % of ResNeXt-50 (32x4d)",
        len(set(shares)) == 1 and abs(float(shares[0]) - 0.934) < 0.0005, "of one unit with C = 32 that keeps its shape, not of a network",
    )  # fmt: skip


def pointwise(graph: Graph, cost) -> int:
    """Multiply-accumulates of the 1x1 convolutions."""
    return sum(cost.per_node[node.name].macs for node in graph if isinstance(node.op, Conv) and node.op.kernel == (1, 1))


@claim
def wsl_giant() -> Claim:
    found = bs.cost(bs.load("resnext101_32x48d").graph())
    return Claim(
        "WSL, arXiv:1805.00932 table 1", "ResNeXt-101 32x48d has 829M parameters and 153G multiply-adds",
        f"{found.params:,} and {found.macs:,}", round(found.params / 1e6) in (828, 829) and found.macs // 10**9 == 153,
    )  # fmt: skip


@claim
def eight_groups() -> Claim:
    one, eight = (bs.cost(chain(conv(128, 128, groups=groups))) for groups in (1, 8))
    return Claim(
        "grouped convolution (AlexNet)", "eight groups need 1/8 of the parameters and of the multiply-adds",
        f"{one.params:,} to {eight.params:,} parameters, {one.macs:,} to {eight.macs:,} macs",
        one.params == 8 * eight.params and one.macs == 8 * eight.macs, "of the weights; activations, norms and biases stay",
    )  # fmt: skip


@claim
def three_times_3x3() -> Claim:
    three, seven = weights(chain(*[conv(64, 64)] * 3)), weights(chain(conv(64, 64, 7)))
    fields = [bs.cost(graph).receptive_field for graph in (chain(*[conv(64, 64)] * 3), chain(conv(64, 64, 7)))]
    ratio = Fraction(seven, three)
    return Claim(
        "VGG, arXiv:1409.1556 section 2.3", "a 7x7 layer has 81 % more parameters than three 3x3 with the same receptive field",
        f"{seven:,} / {three:,} = {ratio} = {float(ratio):.4f}; both see {fields[0]} positions",
        ratio == Fraction(49, 27) and fields[0] == fields[1],
    )  # fmt: skip


@claim
def separable() -> Claim:
    exact = []
    for channels, k in ((64, 3), (512, 3), (1024, 3), (256, 5)):
        parts = weights(chain(conv(channels, channels, k, channels), conv(channels, channels, 1)))
        exact.append((channels, k, Fraction(parts, weights(chain(conv(channels, channels, k))))))
    return Claim(
        "MobileNet, arXiv:1704.04861 section 3.1", "depthwise separable costs 1/N + 1/K² of a convolution, 8 to 9 times less for 3x3",
        ", ".join(f"N {n}, K {k}: {float(ratio):.4f}" for n, k, ratio in exact),
        all(ratio == Fraction(1, n) + Fraction(1, k * k) for n, k, ratio in exact), "N the output channels; without the norm in between",
    )  # fmt: skip


@claim
def hs_formula() -> Claim:
    rows = list(hs_rows(width=16, splits=8))
    squared = all(found == 9 * 256 * (2 - Fraction(2, 2**i)) ** 2 for i, found in rows)
    linear = [i for i, found in rows if found != 9 * 256 * (2 - Fraction(2, 2**i))]
    return Claim(
        "HS-ResNet, arXiv:2010.07621 section 3", "convolution i of an HS-Block has K²W²((2^(i-1) - 1)/2^(i-1) + 1) parameters",
        "; ".join(f"i = {i}: {found:,}" for i, found in rows) + " (W 16)", not linear,
        f"the bracket must be squared (it then holds exactly: {'yes' if squared else 'no'}); the first convolution alone agrees without",
    )  # fmt: skip


def hs_rows(width: int, splits: int) -> Iterator[tuple[int, int]]:
    """Each convolution's number and weights, as long as its width is a whole number of halvings."""
    graph = bs.load("hs_block", splits=splits).graph((width * splits, 56, 56))
    convs = [node.op for node in graph if isinstance(node.op, Conv)]
    for i, op in enumerate(convs, 1):
        if width % 2 ** (i - 1) == 0:
            yield i, matrix(op)


@claim
def hs_smaller() -> Claim:
    ratios = {}
    for splits in range(2, 11):
        channels = 64 * splits
        ratios[splits] = weights(bs.load("hs_block", splits=splits).graph((channels, 14, 14))) / weights(chain(conv(channels, channels)))
    worst = max(ratios, key=lambda splits: ratios[splits])
    return Claim(
        "HS-ResNet, section 3", "an HS-Block has fewer parameters than the convolution of its width",
        ", ".join(f"s {splits}: {ratio:.3f}" for splits, ratio in ratios.items()), max(ratios.values()) < 1,
        f"for every s, also with the square; at most {ratios[worst]:.3f} of it (s {worst})",
    )  # fmt: skip


@claim
def dense_inputs() -> Claim:
    graph = bs.load("densenet121").graph()
    first = [n.op.in_channels for n in graph if isinstance(n.op, Conv) and n.op.kernel == (1, 1)][:6]
    return Claim(
        "DenseNet, arXiv:1608.06993 section 3", "layer l reads k0 + k (l - 1) channels", ", ".join(map(str, first)) + " (k0 64, k 32)",
        first == [64 + 32 * i for i in range(6)], "k0 is what enters the dense block",
    )  # fmt: skip


@claim
def se_cost() -> Claim:
    plain, se = (bs.cost(bs.load(name).graph()) for name in ("resnet50", "seresnet50"))
    formula = 2 * sum(blocks * channels**2 for blocks, channels in ((3, 256), (4, 512), (6, 1024), (3, 2048))) // 16
    biases = sum(blocks * (channels + channels // 16) for blocks, channels in ((3, 256), (4, 512), (6, 1024), (3, 2048)))
    more = se.params - plain.params
    return Claim(
        "SE-Net, arXiv:1709.01507 eq. 5", "squeeze-and-excitation adds (2/r) Σ N C² parameters, about 10 % to ResNet-50",
        f"{more:,} = {formula:,} + {biases:,} biases, {percent(se.params / plain.params)}",
        more == formula + biases and abs(se.params / plain.params - 1.1) < 0.005,
    )  # fmt: skip


@claim
def ghost_speed() -> Claim:
    ratios, exact = {}, True
    for channels in (16, 64, 160):
        plain = bs.cost(chain(conv(channels, channels, 1))).macs
        ghost = bs.cost(bs.load("ghost", out_channels=channels, ratio=2).graph((channels, 56, 56))).macs
        ratios[channels] = plain / ghost
        exact &= Fraction(plain, ghost) == Fraction(channels) / (Fraction(channels, 2) + Fraction(9, 2))
    return Claim(
        "GhostNet, arXiv:1911.11907 eq. 4", "the speed-up of a Ghost module is about s",
        ", ".join(f"{channels} channels: {ratio:.2f}" for channels, ratio in ratios.items()) + " (s 2, 1x1, d 3)",
        all(abs(ratio - 2) < 0.2 for ratio in ratios.values()),
        f"only for many channels; the ratio without the approximation holds exactly: {'yes' if exact else 'no'}",
    )  # fmt: skip


@claim
def res2net_complexity() -> Claim:
    ours = bs.load("res2net", width=26, scale=4).graph((256, 56, 56))
    ratio = weights(ours) / weights(bottleneck())
    return Claim(
        "Res2Net, arXiv:1904.01169 section 4.2", "26w x 4s has the complexity of the bottleneck it replaces",
        f"{weights(ours):,} against {weights(bottleneck()):,} weights, macs {percent(bs.cost(ours).macs / bs.cost(bottleneck()).macs)}",
        abs(ratio - 1) < 0.03,
    )  # fmt: skip


@claim
def guideline_1() -> Claim:
    size, rows = 56, []
    for channels, out in ((128, 128), (90, 182), (52, 315), (36, 455)):
        cost = bs.cost(chain(conv(channels, out, 1), size=size))
        bound = 2 * sqrt(size * size * cost.macs) + cost.macs / size**2
        rows.append((channels, out, cost.bytes // 4, bound))
    equal, *others = rows
    return Claim(
        "ShuffleNetV2, arXiv:1807.11164 G1", "a 1x1 moves at least 2 sqrt(hw B) + B / hw numbers, reached with equal channels",
        ", ".join(f"{c}->{o} {moved:,}" for c, o, moved, _ in rows) + f" (bound {equal[3]:,.0f}, 56 x 56, B about 51.4M)",
        equal[2] == equal[3] and all(moved > bound for *_, moved, bound in others),
    )  # fmt: skip


@claim
def guideline_2() -> Claim:
    size, rows, exact = 56, [], True
    for groups in (1, 2, 4, 8):
        out = 128 * groups  # as many more channels as keep B
        cost = bs.cost(chain(conv(128, out, 1, groups), size=size))
        moved, b = cost.bytes // 4, cost.macs
        exact &= moved == size * size * 128 + Fraction(b * groups, 128) + Fraction(b, size * size)
        rows.append((groups, moved))
    return Claim(
        "ShuffleNetV2, G2", "at one number of multiply-adds more groups move more: hw c1 + B g / c1 + B / hw",
        ", ".join(f"g {groups}: {moved:,}" for groups, moved in rows), exact and rows == sorted(rows, key=lambda row: row[1]),
    )  # fmt: skip


@claim
def mobilenet_14() -> Claim:
    found = bs.cost(bs.load("mobilenet_v2_1.4").graph())
    return Claim(
        "MobileNetV2, arXiv:1801.04381 table 4", "MobileNetV2 1.4 has 6.9M parameters and 585M multiply-adds",
        f"{found.params:,} and {found.macs:,}", abs(found.params / 6.9e6 - 1) < 0.02,
        "the multiply-adds agree, the parameters are those of every public implementation",
    )  # fmt: skip


@claim
def googlenet_size() -> Claim:
    found = bs.cost(bs.load("googlenet_paper_5x5_nobn").graph())
    return Claim(
        "GoogLeNet, arXiv:1409.4842 table 1", "the widths of the table make 6.8M parameters and 1.5G multiply-adds",
        f"{found.params:,} and {found.macs:,}", abs(found.params / 6.8e6 - 1) < 0.01,
        f"{percent(found.params / 6.8e6)} parameters and {percent(found.macs / 1.5e9)} multiply-adds",
    )  # fmt: skip


def table() -> str:
    """The claims as a Markdown table."""
    lines = ["| source | it says | our cost model says | verdict |", "| --- | --- | --- | --- |"]
    lines += [f"| {c.source} | {c.says} | {c.found} | {c.verdict} |" for c in (check() for check in CLAIMS)]
    return "\n".join(lines) + "\n"


def main(write: bool) -> None:
    print(found := table(), end="")
    if write:
        head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(head + BEGIN + found + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
