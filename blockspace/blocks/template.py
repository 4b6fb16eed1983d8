"""Templates: a file and the settings bound to it; with an input shape they expand to a Graph. Block is the template of one block."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from blockspace.blocks.binding import OpenHoles, check_hole_values, find_open_holes, to_node, to_token
from blockspace.blocks.evaluate import INVALID, LexicalScope, Settings
from blockspace.blocks.expansion.context import Frame, StepValue
from blockspace.blocks.expansion.expander import Expansion
from blockspace.blocks.holes import Holes, Token
from blockspace.blocks.template_file import TemplateFile
from blockspace.blocks.variants import SETTING
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.ops import Shape

Values = Mapping[str, Token]  # holes and unknowns by name


class Template:
    """A file with settings bound to its params and holes; `graph()` expands it."""

    def __init__(self, file: TemplateFile, settings: dict[str, Any] | None = None, shape: Shape | None = None):
        self.settings = dict(settings or {})
        if file.variants:
            file = file.member(str(self.settings.pop(SETTING, file.name)), self.settings)
        self.file, self.shape = file, shape
        others = {key: self.settings.pop(key) for key in list(self.settings) if key not in file.params}
        self.filled: dict[str, Token] = check_hole_values(file.name, file.params, self.holes, self.settings, others) if others else {}

    @property
    def name(self) -> str:
        """Return the name of the block or network."""
        return self.file.name

    @property
    def doc(self) -> str:
        """Return its one-line description."""
        return self.file.doc

    @property
    def paper(self) -> str:
        """Return where it was published."""
        return self.file.paper

    @property
    def reference(self) -> str:
        """Return what it equals: `torchvision:NAME`, `timm:NAME`, or `paper`; empty when it does not say."""
        return self.file.reference

    @property
    def params(self) -> dict[str, str]:
        """Each param and what it is, as given or as written."""
        return {key: str(self.settings.get(key, param.default)) for key, param in self.file.params.items()}

    @cached_property
    def holes(self) -> Holes:
        """Return the holes and unknowns of the file."""
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
    def graph(self, shape: Shape | None = None, values: Values | None = None) -> Graph:
        """Return the graph for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""

    @property
    @abstractmethod
    def usual_shape(self) -> Shape:
        """Return the `(C, H, W)` to show it with when none is given: of a block, its default output channels, else 64, at 56 x 56."""

    @abstractmethod
    def _run(self, context: Expansion) -> StepValue:
        """Add the nodes to the graph of `run`; returns the last value."""

    def _expand(self, shape: Shape, values: Values | None) -> Graph:
        context = Expansion(self.holes, {**self.filled, **(values or {})}, shape)
        context.report(BlockspaceError(*self.file.mistakes), None, "")
        try:
            output = self._run(context)
            if isinstance(output, list):
                raise error("E-REF", f"{self.name} ends in a split without `merge:`, which is a list of parts", help="add `merge:`")
            if output is not INVALID:
                context.graph.output = output
        except BlockspaceError as e:
            context.report(e, self.file.mark, "")
        if context.mistakes:
            by_place = sorted(context.mistakes.values(), key=lambda m: (m.mark.source.path, m.mark.line) if m.mark else ("", 0))
            raise BlockspaceError(*by_place)
        return context.graph.verify()

    def _given(self, context: Expansion) -> tuple[Settings, LexicalScope]:
        """The settings as nodes, read where only the channels that enter are known."""
        entering = context.channels_of("input")
        place = LexicalScope(None, {"in_channels": entering, "channels": entering}, self.file, context)
        return {key: (to_node(key, found), place) for key, found in self.settings.items()}, place

    def svg(self, shape: Shape | None = None, **options: Any) -> str:
        """Return the drawing for an input of `(C, H, W)` as SVG; a block without a shape has its usual one. Options as `Graph.svg`."""
        return self.graph(shape or self.usual_shape).svg(**options)

    def png(self, shape: Shape | None = None, **options: Any) -> bytes:
        """Return the drawing as PNG; arguments as for `svg`."""
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
        """Return the block in a line or two of math; empty when it does not say."""
        return self.file.equation

    def graph(self, shape: Shape | None = None, values: Values | None = None) -> Graph:
        """Return the graph for an input of `(C, H, W)`; `values` fills holes by name. Raises BlockspaceError with every mistake."""
        return self._expand(tuple(shape) if shape else self.usual_shape, values)

    @property
    def usual_shape(self) -> Shape:
        """Return the `(C, H, W)` to show it with when none is given: of a block, its default output channels, else 64, at 56 x 56."""
        text = self.params.get("out_channels", "64")
        return (int(text) if text.isdigit() else 64, 56, 56)

    def _run(self, context: Expansion) -> StepValue:
        settings, place = self._given(context)
        env = context.bind_unit(self.file, settings, place, "input")
        if not context.check_requirements(self.file, env, ""):
            return INVALID
        return context.expand_flow(self.file.flow, Frame(env, {"input": "input"}, ""), "input")
