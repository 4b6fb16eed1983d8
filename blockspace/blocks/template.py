"""Block and Network: named templates. With values for their params and an input shape they expand to a Graph."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any, Self

from blockspace.blocks import syntax
from blockspace.blocks.binding import OpenHoles, check_hole_values, find_open_holes, to_node, to_token
from blockspace.blocks.evaluate import INVALID, Environment, evaluate_integer
from blockspace.blocks.expansion.expander import Expansion
from blockspace.blocks.expansion.frame import Frame, UnitEnvironment
from blockspace.blocks.holes import Holes, Token
from blockspace.blocks.syntax import BlockStep
from blockspace.blocks.template_file import TemplateFile
from blockspace.blocks.variants import SETTING
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.ops import Shape
from blockspace.reader import Seq


class Template:
    """What a file and the settings given to it describe; `graph()` expands it."""

    def __init__(self, file: TemplateFile, settings: dict | None = None, shape: Shape | None = None):
        self.settings = dict(settings or {})
        if file.variants:
            file = file.member(str(self.settings.pop(SETTING, file.name)), self.settings)
        self.file, self.shape = file, shape
        others = {key: self.settings.pop(key) for key in list(self.settings) if key not in file.params}
        self.filled: dict[str, Token] = check_hole_values(file.name, file.params, self.holes, self.settings, others) if others else {}

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def doc(self) -> str:
        return self.file.doc

    @property
    def paper(self) -> str:
        """Where it was published."""
        return self.file.paper

    @property
    def reference(self) -> str:
        """What it equals: `torchvision:NAME`, `timm:NAME`, or `paper`; empty when it does not say."""
        return self.file.reference

    @property
    def params(self) -> dict[str, str]:
        """Each param and what it is, as given or as written."""
        return {key: str(self.settings.get(key, param.default)) for key, param in self.file.params.items()}

    @cached_property
    def holes(self) -> Holes:
        """The places that the file leaves open."""
        return Holes(self.file)

    @cached_property
    def open(self) -> OpenHoles:
        """Those of them that nothing was given for."""
        given = {key: to_token(key, found) for key, found in self.settings.items()}
        return find_open_holes(self.holes, given | self.filled)

    def __call__(self, **settings: Any) -> Self:
        """The same template with more params bound, or holes filled."""
        return type(self)(self.file, self.settings | self.filled | settings, self.shape)

    @abstractmethod
    def graph(self, shape: Shape, values: dict | None = None) -> Graph:
        """The graph for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""

    @property
    @abstractmethod
    def usual_shape(self) -> Shape:
        """The `(C, H, W)` to show it with when none is given."""

    @abstractmethod
    def _run(self, run: Expansion) -> Any:
        """Add the nodes to the graph of `run`; returns the last value."""

    def _expand(self, shape: Shape, values: dict | None) -> Graph:
        run = Expansion(self.holes, self.filled | (values or {}), shape)
        run.report(BlockspaceError(*self.file.mistakes), None, "")
        try:
            output = self._run(run)
            if isinstance(output, list):
                raise error("E-REF", f"{self.name} ends in a split without `merge:`, which is a list of parts", help="add `merge:`")
            run.graph.output = output
        except BlockspaceError as e:
            run.report(e, self.file.mark, "")
        if run.mistakes:
            raise BlockspaceError(*sorted(run.mistakes.values(), key=lambda m: (m.mark.source.path, m.mark.line) if m.mark else ("", 0)))
        return run.graph.verify()

    def _given(self, run: Expansion) -> tuple[dict, Environment]:
        """The settings as nodes, read where only the channels that enter are known."""
        entering = run.channels("input")
        place = Environment(None, {"in_channels": entering, "channels": entering}, self.file, run)
        return {key: (to_node(key, found), place) for key, found in self.settings.items()}, place

    def svg(self, shape: Shape | None = None, **options: Any) -> str:
        """The picture for an input of `(C, H, W)`, as SVG; a block without a shape is drawn for its usual one. Options as `Graph.svg`."""
        return self.graph(shape or self.usual_shape).svg(**options)

    def png(self, shape: Shape | None = None, **options: Any) -> bytes:
        """The same as PNG."""
        return self.graph(shape or self.usual_shape).png(**options)

    def _repr_svg_(self) -> str | None:
        """What a notebook shows; nothing where the block does not fit its usual shape."""
        try:
            return self.svg()
        except BlockspaceError:
            return None

    def _repr_html_(self) -> str:
        try:
            return self.graph(self.usual_shape)._repr_html_()
        except BlockspaceError as e:
            from html import escape

            return f"<pre>{escape(repr(self))}\n{escape(e.render())}</pre>"

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v}" for k, v in (self.settings | self.filled).items())
        return f"<{type(self).__name__} {self.name}({given})>"


class Block(Template):
    """A block: expands for any input shape."""

    @property
    def equation(self) -> str:
        """The unit in a line or two of math; empty when it does not say."""
        return self.file.equation

    def graph(self, shape: Shape, values: dict | None = None) -> Graph:
        """The block for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""
        return self._expand(tuple(shape), values)

    @property
    def usual_shape(self) -> Shape:
        """The `(C, H, W)` to show a block with when none is given: its default output channels, else 64, at 56 x 56."""
        text = self.params.get("out_channels", "64")
        return (int(text) if text.isdigit() else 64, 56, 56)

    def _run(self, run: Expansion):
        settings, place = self._given(run)
        env = run.bound(self.file, settings, place, "input")
        if not run.require(self.file, env, ""):
            return INVALID
        return run.flow(self.file.flow, Frame(env, {"input": "input"}, ""), "input")


class Network(Template):
    """A network: stem, stages, head, with an input shape of its own."""

    @property
    def variants(self) -> list[str]:
        """The names of its family besides the one the file is written for."""
        return list(self.file.variants)

    @cached_property
    def input_shape(self) -> Shape:
        """`(C, H, W)`, as the data gave it, else as the file does."""
        if self.shape is not None:
            return self.shape
        node = self.file.input
        if node is None:
            raise error("E-KEY", f"network {self.name!r} has no `input:`", self.file.mark, "input: [3, 224, 224]")
        if not isinstance(node, Seq) or len(node.items) != 3:
            raise error("E-TYPE", "`input:` is [channels, height, width]", node.mark)
        names = self._names(Expansion(self.holes, self.filled, (1, 1, 1)))  # params may size it, as EfficientNet's resolution does
        return tuple(evaluate_integer(item, names, "input") for item in node.items)

    @property
    def usual_shape(self) -> Shape:
        """Its own input shape."""
        return self.input_shape

    def fitted(self, shape: Shape, classes: int) -> Network:
        """The same network for data of this shape and number of classes: data wins over the file."""
        bound = {"classes": classes} if "classes" in self.file.params else {}
        return Network(self.file, self.settings | self.filled | bound, tuple(shape))

    def graph(self, shape: Shape | None = None, values: dict | None = None) -> Graph:
        """The network for an input of `(C, H, W)` (its own by default); `values` fills holes by name. Raises BlockspaceError."""
        return self._expand(tuple(shape) if shape else self.input_shape, values)

    def _run(self, run: Expansion):
        source, values = "input", {"input": "input"}
        env = self._names(run)
        if not run.require(self.file, env, ""):
            return INVALID
        for segment in self.segments:
            source = run.step(segment.step, segment.frame(env, values), source)
        return source

    def _names(self, run: Expansion) -> UnitEnvironment:
        """The network's own names for one expansion."""
        settings, place = self._given(run)
        return run.bound(self.file, settings, place, "input")

    @cached_property
    def segments(self) -> list[Segment]:
        """The network's top-level steps in order; each `block:` step of `stages` is a stage, named or numbered."""
        found, stages = [], 0
        for section, node in self.file.sections.items():
            for position, step in enumerate(syntax.parse_flow(node, self.file)):
                staged = section == "stages" and isinstance(step, BlockStep) and step.staged
                stages += staged
                label = (step.name or f"stage{stages}") if staged else None
                names = [name for name, owner in self.holes.owners.items() if owner == (section, position)]
                found.append(Segment(self, step, "" if section == "stages" else section, label, frozenset(names)))
        return found

    @cached_property
    def separable(self) -> bool:
        """Whether each top-level step reads only the value before it, so that costs of steps add up."""
        return all(s.step.source is None and s.step.as_ is None for s in self.segments)


class Segment:
    """One top-level step of a network. `own` are the holes and unknowns that only this step reads."""

    def __init__(self, network: Network, step, path: str, label: str | None, own: frozenset[str]):
        self.network, self.step, self.path, self.label, self.own = network, step, path, label, own

    def frame(self, env: UnitEnvironment, values: dict) -> Frame:
        return Frame(env, values, self.path, self.label)

    def graph(self, shape: Shape, values: dict) -> Graph:
        """This step alone, for an input of `(C, H, W)`. Raises BlockspaceError."""
        values = self.network.filled | values
        run = Expansion(self.network.holes, values, shape)
        whole = Expansion(self.network.holes, values, self.network.input_shape)
        env = self.network._names(whole)
        whole.require(self.network.file, env, "")
        run.mistakes.update(whole.mistakes)
        output = run.step(self.step, self.frame(env, {"input": INVALID}), "input")
        if run.mistakes:
            raise BlockspaceError(*run.mistakes.values())
        if output is INVALID:
            raise error("E-SHAPE", f"{self.label or self.step.word} has no shape of its own", self.step.mark)
        run.graph.output = output
        return run.graph
